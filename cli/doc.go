// Package cli is the command line: the commands that need neither camera nor
// model (broker, sink, serve, query, …), and Main, which parses, runs and
// turns an error into one line and an exit code. Package cli/full adds the
// commands that do need them, so that bin/sightlogd links no OpenCV.
//
// Exit codes: 0 done; 1 it failed at run time; 2 what was asked cannot be;
// 3 finished, with damage reported; 141 (128 + SIGPIPE) nobody read the output
// any more. A command that is asked to end, by whatever signal, ends in order.
package cli
