//! `taskgate man`: manual pages, made from the definitions of `--help`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap_mangen::Man;

use super::{Failure, command};

/// What stands at the foot of a page.
const SOURCE: &str = concat!("taskgate ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write them to, such as /usr/local/share/man/man1
    #[arg(value_hint = ValueHint::DirPath)]
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let folder = args.folder.as_path();
    write(folder).map_err(|error| Failure::Fault(format!("{} cannot be written to: {error}.", folder.display())))
}

/// A page for the program and one for each command, named as `man` looks for them.
fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut program = command().disable_help_subcommand(true);
    program.build();
    let mut commands = vec![program];
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().cloned());
        // No date, written as roff wants it: pages of one version are the same, whenever they are made.
        Man::new(command).date("\"\"").source(SOURCE).manual("taskgate").generate_to(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::every_command;
    use crate::config::settings::GROUPS;

    #[test]
    fn every_command_has_a_page_with_its_flags() {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("share/man1");
        run(&Args { folder: pages.clone() }).unwrap();
        let page = |name: &str| fs::read_to_string(pages.join(format!("{name}.1"))).unwrap().replace("\\-", "-");
        for command in every_command() {
            let name = command.get_display_name().unwrap_or("taskgate");
            let text = page(name);
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(text.contains(&format!("--{flag}")), "--{flag} of {name}");
            }
        }
        let serve = page("taskgate-serve");
        for setting in GROUPS.into_iter().flat_map(|group| group.settings) {
            assert!(serve.contains(setting.variable), "{}", setting.variable);
        }
        assert_eq!(fs::read_dir(&pages).unwrap().count(), every_command().len());
    }

    #[test]
    fn a_folder_that_cannot_be_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let failure = run(&Args { folder: file.path().join("man1") }).unwrap_err();
        assert!(failure.sentence().contains("cannot be written to"), "{failure:?}");
    }
}
