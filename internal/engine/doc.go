// Package engine is the embedded runtime of executions: one process, one
// database file.
//
// Every input becomes an event of package flow; one writer folds the events
// that arrived, makes all that they changed durable in one transaction, and
// only then acknowledges them and carries out their commands. So nothing is
// acted upon that could be forgotten, and the cost of a commit is shared by all
// executions that wait for it. After a crash the commands that have no answer
// are asked of the state and carried out again: tasks are idempotent.
//
// A waiting execution is state and a place in a timer queue: it holds no
// goroutine.
package engine
