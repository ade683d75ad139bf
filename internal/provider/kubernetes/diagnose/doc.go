// Package diagnose says why a workload is not ready: the one cause that is
// behind most of what can be seen, in a sentence, and what to do about it. It
// is pure.
//
//	cause, ok := diagnose.Explain(facts)
//	if ok && cause.WantsLogs {
//		facts.Logs = ... // of cause.Pod and cause.Container
//		cause, ok = diagnose.Explain(facts)
//	}
//
// A cause is what has no further one in the cluster: not "back-off restarting
// failed container" but the exit code and the last lines that it wrote; not
// "progress deadline exceeded" but the quota that let no pod be made.
package diagnose
