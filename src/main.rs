//! The program: see `taskgate::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    taskgate::cli::main()
}
