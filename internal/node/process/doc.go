// Package process starts processes that outlive whoever started them, and finds
// them again.
//
// A [Process] leads a session of its own and is known by its [ID], which no
// other process ever has. Its end is an event, for a process that was adopted
// as well as for a child. Processes carry marks in their environment, so that
// those that nobody wrote down, and those that forked away, can be found with
// [Find].
//
// The package needs Linux: pidfds and /proc.
package process
