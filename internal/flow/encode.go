package flow

import (
	"encoding/json"
	"strconv"

	"github.com/gennaker/gennaker"
)

// AppendJSON appends what json.Marshal makes of st. It is a tenth of the work,
// which counts: a stage is stored for each of its tasks.
func (st *Stage) AppendJSON(b []byte) []byte {
	o := object{append(b, '{')}
	o.text("id", st.ID)
	o.number("seq", int64(st.Seq))
	o.text("ref", st.Ref)
	o.text("type", st.Type)
	o.text("name", st.Name)
	if st.Requires != nil {
		o.key("requires")
		o.b = append(o.b, '[')
		for i, ref := range st.Requires {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = appendText(o.b, ref)
		}
		o.b = append(o.b, ']')
	}
	o.some("parent", st.Parent)
	o.some("side", string(st.Side))
	o.time("expiry", st.Expiry)
	o.text("status", string(st.Status))
	o.time("start", st.Start)
	o.time("end", st.End)
	o.count("run", int64(st.Run))
	if st.Policy != (Policy{}) {
		o.key("policy")
		o.b = st.Policy.appendJSON(o.b)
	}
	if st.Tasks != nil {
		o.key("tasks")
		o.b = append(o.b, '[')
		for i := range st.Tasks {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = st.Tasks[i].appendJSON(o.b)
		}
		o.b = append(o.b, ']')
	}
	o.flag("planned", st.Planned)
	o.flag("planFailed", st.PlanFailed)
	o.flag("hasAfter", st.HasAfter)
	o.flag("hasFailure", st.HasFailure)
	o.flag("plannedAfter", st.PlannedAfter)
	o.flag("plannedFailure", st.PlannedFailure)
	o.flag("unresolved", st.Unresolved)
	return append(o.b, '}')
}

func (t *Task) appendJSON(b []byte) []byte {
	o := object{append(b, '{')}
	o.text("name", t.Name)
	o.text("status", string(t.Status))
	o.time("start", t.Start)
	o.time("end", t.End)
	o.count("timeoutMs", t.TimeoutMS)
	o.flag("loopStart", t.LoopStart)
	o.flag("loopEnd", t.LoopEnd)
	o.flag("expired", t.Expired)
	o.count("round", int64(t.Round))
	return append(o.b, '}')
}

func (p *Policy) appendJSON(b []byte) []byte {
	o := object{append(b, '{')}
	o.flag("continue", p.Continue)
	o.flag("stopBranch", p.StopBranch)
	o.flag("failAtEnd", p.FailAtEnd)
	o.flag("allowSiblings", p.AllowSiblings)
	o.flag("succeedOnTimeout", p.SucceedOnTimeout)
	o.flag("failUnresolved", p.FailUnresolved)
	o.count("timeoutMs", p.TimeoutMS)
	return append(o.b, '}')
}

// object appends the fields of a JSON object. Those of some, time, count and
// flag are left out when they are zero.
type object struct{ b []byte }

func (o *object) key(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), k...), '"', ':')
}

func (o *object) text(k, v string) {
	o.key(k)
	o.b = appendText(o.b, v)
}

func (o *object) some(k, v string) {
	if v != "" {
		o.text(k, v)
	}
}

func (o *object) number(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *object) count(k string, v int64) {
	if v != 0 {
		o.number(k, v)
	}
}

func (o *object) time(k string, v gennaker.Time) {
	if !v.IsZero() {
		o.number(k, v.UnixMilli())
	}
}

func (o *object) flag(k string, v bool) {
	if v {
		o.key(k)
		o.b = append(o.b, "true"...)
	}
}

// appendText appends a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string can always be encoded
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
