package value

import (
	"crypto/md5"
	"fmt"
	"strconv"
	"strings"
)

func uuidOf(high, low uint64) uuid {
	s := fmt.Sprintf("%016x%016x", high, low)
	return uuid(s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:])
}

func parseUUID(v any) (any, error) {
	s, _ := v.(string)
	high, low, ok := halves(s)
	if !ok {
		return nil, fmt.Errorf("%s is no UUID", Describe(v))
	}
	return uuidOf(high, low), nil
}

func halves(s string) (high, low uint64, ok bool) {
	parts := strings.Split(s, "-")
	if len(s) != 36 || len(parts) != 5 || len(parts[4]) != 12 {
		return 0, 0, false
	}
	high, err := strconv.ParseUint(parts[0]+parts[1]+parts[2], 16, 64)
	low, also := strconv.ParseUint(parts[3]+parts[4], 16, 64)
	return high, low, err == nil && also == nil
}

// nameUUID is the UUID that bytes have as a name.
func nameUUID(_ *Work, _ any, args []any) (any, error) {
	list, ok := args[0].([]any)
	data := make([]byte, len(list))
	for i, v := range list {
		b, number := v.(int64)
		ok = ok && number
		data[i] = byte(b)
	}
	if !ok {
		return nil, Refuse("as in 'name'.getBytes()", "%s is no list of bytes", Describe(args[0]))
	}
	sum := md5.Sum(data)
	sum[6], sum[8] = sum[6]&0x0f|0x30, sum[8]&0x3f|0x80
	s := fmt.Sprintf("%x", sum)
	return uuid(s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]), nil
}

var uuidMethods = map[string]Method{
	"getMostSignificantBits": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		high, _, _ := halves(ScalarString(on))
		return int64(high), nil
	}},
	"getLeastSignificantBits": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		_, low, _ := halves(ScalarString(on))
		return int64(low), nil
	}},
	"version": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		high, _, _ := halves(ScalarString(on))
		return int64(high >> 12 & 0xf), nil
	}},
	"compareTo": {1, 1, func(_ *Work, on any, args []any) (any, error) {
		other, ok := args[0].(uuid)
		if !ok {
			return nil, fmt.Errorf("%s is not a UUID", Describe(args[0]))
		}
		return int64(strings.Compare(ScalarString(on), string(other))), nil
	}},
}
