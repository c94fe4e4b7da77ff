//! `taskgate completions`: what shells complete, made from the definitions of `--help`.

use clap_complete::Shell;

use super::{Failure, command, print};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell that is to complete
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    print(&script(args.shell))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "taskgate", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::cli::tests::every_command;

    #[test]
    fn every_shell_completes_every_command_and_flag() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for command in every_command() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
                for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                    // fish writes `-l flag`, the others `--flag`.
                    let is_there = [format!("--{flag}"), format!("-l {flag}")].iter().any(|text| script.contains(text));
                    assert!(is_there, "{shell}: --{flag} of {}", command.get_name());
                }
            }
        }
    }
}
