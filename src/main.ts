#!/usr/bin/env -S node --disable-proto=delete --disable-sigusr1 --report-exclude-env --enable-experimental-regexp-engine-on-excessive-backtracks --max-semi-space-size=1 --max-old-space-size=256 --optimize-for-size --no-maglev --liftoff-only
// Entry point: hands the command line to cli/ and turns the outcome into an exit code. The flags above belong to every
// way the daemon is started (test/start-flags.test.ts): no door for a debugger and no secrets in reports (threats 7), a
// young generation of 1 MiB, which saves 30 MiB and costs nothing (reference/performance.md 7), a bounded heap. Compiling
// costs memory that the allocator never gives back, 30 MiB at 300 targets: one optimising compiler instead of two, none for
// the parser in WebAssembly, whose loops it unrolls for 20 MiB. No more than 255 bytes: Linux cuts the line there.

import { runCommandLine } from './cli/command.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), process.env);
