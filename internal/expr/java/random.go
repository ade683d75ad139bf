package java

import "math"

// Random is java.util.Random: the same seed gives the same numbers.
type Random struct {
	seed uint64
	next *float64 // of NextGaussian, which makes two at once
}

// NewRandom returns the generator of a seed.
func NewRandom(seed uint64) *Random {
	return &Random{seed: (seed ^ 0x5DEECE66D) & (1<<48 - 1)}
}

func (r *Random) bits(n int) int32 {
	r.seed = (r.seed*0x5DEECE66D + 0xB) & (1<<48 - 1)
	return int32(r.seed >> (48 - n))
}

// Int returns any int.
func (r *Random) Int() int32 { return r.bits(32) }

// Long returns any long of the 2^48 that it can.
func (r *Random) Long() int64 { return int64(r.bits(32))<<32 + int64(r.bits(32)) }

// Boolean returns either.
func (r *Random) Boolean() bool { return r.bits(1) != 0 }

// Double returns a number from 0 to less than 1.
func (r *Random) Double() float64 {
	return float64(int64(r.bits(26))<<27+int64(r.bits(27))) / (1 << 53)
}

// Float is Double in 32 bits.
func (r *Random) Float() float32 { return float32(r.bits(24)) / (1 << 24) }

// Gaussian returns a number of the standard normal distribution.
func (r *Random) Gaussian() float64 {
	if r.next != nil {
		f := *r.next
		r.next = nil
		return f
	}
	for {
		x, y := 2*r.Double()-1, 2*r.Double()-1
		s := x*x + y*y
		if s >= 1 || s == 0 {
			continue
		}
		by := math.Sqrt(-2 * math.Log(s) / s)
		second := y * by
		r.next = &second
		return x * by
	}
}

// Below returns a number from 0 to n-1; n is positive.
func (r *Random) Below(n int32) int32 {
	if n&-n == n {
		return int32(int64(n) * int64(r.bits(31)) >> 31)
	}
	for {
		bits := r.bits(31)
		if v := bits % n; bits-v+(n-1) >= 0 {
			return v
		}
	}
}
