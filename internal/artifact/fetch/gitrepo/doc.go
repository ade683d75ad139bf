// Package gitrepo fetches one commit of a git repository and packs its files
// into a .tar.gz, without a git binary and without a work tree.
//
// Source: what a git/repo artifact of Spinnaker clouddriver is: `git archive`
// of a branch, tag or commit, of the whole tree or of one path below it. The
// archive of a commit and a path is always the same, byte for byte.
package gitrepo
