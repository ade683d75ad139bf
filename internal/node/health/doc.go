// Package health asks instances whether they are well.
//
// [Check] asks once and never takes longer than the timeout. A [Tracker] makes
// a verdict of many answers: thresholds, and the grace after a start.
package health
