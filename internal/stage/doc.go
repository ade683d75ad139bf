// Package stage is the contract between a runtime and the kinds of stage, and
// the registry that maps a stage's type to its code.
//
// A [Definition] says what a stage type is made of: its steps, in order, and
// the stages before, after and on failure of it. A [Task] does the work of one
// step. A runtime calls Run until its [Outcome] is final:
//
//	for {
//		outcome, err := task.Run(ctx, input)
//		switch {
//		case err != nil: // could not tell: wait a little longer each time
//		case outcome.Final(): // store it, then go on with the next step
//		default: // wait until it is woken or due
//		}
//	}
//
// A crash may lose an Outcome before it is stored, so a Task must be idempotent
// under [Input].Key. A task that waits returns; it never blocks.
package stage
