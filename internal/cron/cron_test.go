package cron_test

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/cron"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"* * * * * ?":                        "Every second",
		"*/10 * * * * ?":                     "Every 10 seconds",
		"5 * * * * ?":                        "At 5 seconds past the minute",
		"1 * * * * ?":                        "At 1 second past the minute",
		"0 * * * * ?":                        "Every minute",
		"0 0/1 * * * ?":                      "Every minute",
		"0 0/5 * * * ?":                      "Every 5 minutes",
		"0 /5 * * * ?":                       "Every 5 minutes",
		"0 5/10 * * * ?":                     "Every 10 minutes from 5 on",
		"0 0 * * * ?":                        "Every hour",
		"0 15 * * * ?":                       "At 15 minutes past the hour",
		"0 0,15,45 * * * ?":                  "At 0, 15 and 45 minutes past the hour",
		"* 0 * * * ?":                        "Every second, at 0 minutes past the hour",
		"0 0 0/2 * * ?":                      "Every 2 hours",
		"0 0 9-17/2 * * ?":                   "Every 2 hours, between 9:00 AM and 5:59 PM",
		"0 0 9-17 * * ?":                     "Between 9:00 AM and 5:59 PM",
		"0 0 10 * * ?":                       "At 10:00 AM",
		"0 0 12 1 1 ?":                       "At 12:00 PM, on day 1 of the month, only in January",
		"5 30 0 ? * *":                       "At 12:30:05 AM",
		"0 0 10,14,16 * * ?":                 "At 10:00 AM, 2:00 PM and 4:00 PM",
		"0 0-5 14 * * ?":                     "Minutes 0 through 5 past the hour, between 2:00 PM and 2:59 PM",
		"0 * 14 * * ?":                       "Every minute, between 2:00 PM and 2:59 PM",
		"0 0 10 ? * MON-FRI":                 "At 10:00 AM, Monday through Friday",
		"0 0 10 ? * mon,wed":                 "At 10:00 AM, only on Monday and Wednesday",
		"0 0 10 ? * 6#3":                     "At 10:00 AM, on the third Friday of the month",
		"0 0 10 ? * FRIL":                    "At 10:00 AM, on the last Friday of the month",
		"0 0 10 ? * L":                       "At 10:00 AM, only on Saturday",
		"0 0 10 L * ?":                       "At 10:00 AM, on the last day of the month",
		"0 0 10 L-3 * ?":                     "At 10:00 AM, 3 days before the last day of the month",
		"0 0 10 LW * ?":                      "At 10:00 AM, on the last weekday of the month",
		"0 0 10 15W * ?":                     "At 10:00 AM, on the weekday nearest day 15 of the month",
		"0 0 10 1,15 * ?":                    "At 10:00 AM, on days 1 and 15 of the month",
		"0 0 10 1/5 * ?":                     "At 10:00 AM, every 5 days",
		"0 0 10 1 */3 ?":                     "At 10:00 AM, on day 1 of the month, every 3 months",
		"0 0 10 1 MAR-MAY ? 2027-2030":       "At 10:00 AM, on day 1 of the month, March through May, 2027 through 2030",
		"0 0 10 ? * FRI-MON":                 "At 10:00 AM, Friday through Monday",
		"  0  0\t10 ? * 2 * ":                "At 10:00 AM, only on Monday",
		"0 0 10 5,10-12 * ? 2027,2028 ":      "At 10:00 AM, on day 5 of the month and between days 10 and 12 of the month, only in 2027 and 2028",
		"0 0 10 1,5W * ?":                    "At 10:00 AM, on day 1 of the month and on the weekday nearest day 5 of the month",
		"0 5/0 10 ? * 1/2":                   "At 10:05 AM, every 2 days of the week",
		"*/5 3 4 ? JAN,FEB TUE 2030/2":       "Every 5 seconds, at 3 minutes past the hour, between 4:00 AM and 4:59 AM, only on Tuesday, only in January and February, every 2 years from 2030 on",
		"10,20 0-5/2 * ? * *":                "At 10 and 20 seconds past the minute, every 2 minutes, minutes 0 through 5 past the hour",
		"0 0 0 LW-0 * ?":                     "",
		"0 H H(0-3) ? * *":                   "",
		"0 0 10 L-0 * ?":                     "At 10:00 AM, on the last day of the month",
		"0 0 10 L-2W * ?":                    "At 10:00 AM, on the weekday nearest 2 days before the last day of the month",
		"0 0 13 ? * 1#1":                     "At 1:00 PM, on the first Sunday of the month",
		"0 59 23 ? 12 ?":                     "",
		"0 0 10 ? JANUARY MON":               "",
		"0 0 10 1 1 ? *":                     "At 10:00 AM, on day 1 of the month, only in January",
		"0-10 0 10 ? * *":                    "Seconds 0 through 10 past the minute, at 0 minutes past the hour, between 10:00 AM and 10:59 AM",
		"0 0 22-4 ? * *":                     "Between 10:00 PM and 4:59 AM",
		"0 0/15 8,9 ? * *":                   "Every 15 minutes, at 8:00 AM and 9:00 AM",
		"0 30 6 ? * 2-6 ":                    "At 6:30 AM, Monday through Friday",
		"0 30 6 ? * MON-FRI,SUN":             "At 6:30 AM, Monday through Friday and only on Sunday",
		strings.Repeat(" ", 990) + "0 0 0 *": "",
	} {
		e, err := cron.Parse(text)
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if got := e.Describe(); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "six fields or seven, not 0",
		"0 0 10 * *":              "six fields or seven, not 5",
		"0 0 10 ? * * * *":        "six fields or seven, not 8",
		"60 0 10 ? * *":           "seconds must be from 0 to 59, not 60",
		"0 60 10 ? * *":           "minutes must be from 0 to 59, not 60",
		"0 0 24 ? * *":            "hours must be from 0 to 23, not 24",
		"0 0 10 0 * ?":            "day of the month must be from 1 to 31, not 0",
		"0 0 10 32W * ?":          "day of the month must be from 1 to 31, not 32",
		"0 0 10 1 13 ?":           "month must be from 1 to 12, not 13",
		"0 0 10 1 FOO ?":          `month: "FOO" is neither a number nor one of JAN`,
		"0 0 10 ? * 8":            "day of the week must be from 1 to 7, not 8",
		"0 0 10 ? * 2#6":          "a number from 1 to 5 must follow #",
		"0 0 10 ? * 2#":           "a number from 1 to 5 must follow #",
		"0 0 10 ? * X#2":          `day of the week: "X"`,
		"0 0 10 ? * 2L,3":         "cannot be one of several",
		"0 0 10 L,3 * ?":          "cannot be one of several",
		"0 0 10 L-31 * ?":         "a number from 0 to 30",
		"0 0 10 LX * ?":           `day of the month: "LX" is none`,
		"0 0 10 XW * ?":           `day of the month: "X" is no number`,
		"0 0 10 ? * XL":           `day of the week: "X"`,
		"0 0 10 ? * ?":            "only one of day of the month and day of the week may be ?",
		"0 0 10 1 * MON":          "one of them must be ?",
		"0 0 10 * * *":            "one of them must be ?",
		"? 0 10 ? * *":            "seconds may not be ?",
		"0 0/61 10 ? * *":         "minutes: steps of 61 are more than 59",
		"0 0/ 10 ? * *":           `minutes: "0/" is none`,
		"0 0/x 10 ? * *":          `minutes: "0/X" is none`,
		"0 1- 10 ? * *":           `minutes: "" is no number`,
		"0 -1 10 ? * *":           `minutes: "" is no number`,
		"0 1,,2 10 ? * *":         `minutes: "" is no number`,
		"0 00000001 10 ? * *":     "is no number",
		"0 h 10 ? * *":            "is no number",
		"0 0 10 ? * * 1969":       "year must be from 1970 to 2199, not 1969",
		"0 0 10 ? * * 2030-2029":  "year: 2030-2029 ends before it begins",
		strings.Repeat("0 ", 600): "more than 1000 bytes",
	} {
		_, err := cron.Parse(text)
		if err == nil || gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, not %q", text, err, want)
		}
	}
}

func TestFuzzy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"H H H ? * *": true, "0 H/5 * ? * THU": true, "0 0 10 ? MARCH *": false, "0 0 10 ? * THU": false} {
		e, err := cron.Parse(text)
		if text == "0 0 10 ? MARCH *" {
			if err == nil {
				t.Errorf("%q is read", text)
			}
			continue
		}
		if err != nil || e.Fuzzy != want {
			t.Errorf("%q: fuzzy %t, %v", text, e.Fuzzy, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"0 0 10 ? * MON-FRI", "*/5 H 1-5/2 L-3W JAN ? 2027", "0 0 0 15W * ?", "0 0 0 ? * 6#3", "0,1 2/3 4 ? * SUNL *"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := cron.Parse(text)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if got := e.Describe(); got == "" || strings.Contains(got, "%!") || strings.Contains(got, "  ") {
			t.Errorf("%q is described as %q", text, got)
		}
	})
}
