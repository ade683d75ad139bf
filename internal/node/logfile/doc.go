// Package logfile reads and bounds files that others append to.
//
// The writer owns a descriptor opened with O_APPEND and knows nothing of this
// package, so a file is never renamed: [Trim] gives the blocks of its oldest
// part back to the file system and its end stays where it is.
package logfile
