//! The secret of `dev`: made at the first start and kept beside the database, so that tokens outlive a restart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::auth::TokenRules;
use crate::cli::Failure;

/// The secret beside `database`, made if there is none.
pub(in crate::cli) fn read_or_make(database: &Path) -> Result<SecretString, Failure> {
    if let Some(secret) = read(database)? {
        return Ok(secret);
    }
    let path = path_beside(database);
    make(&path).map_err(|error| {
        fault(&path, &format!("cannot be made: {error}; run `taskgate dev` where the database's folder can be written"))
    })?;
    // Read back, not returned: where two starts raced, both use what is in the file.
    read(database)?.ok_or_else(|| fault(&path, "is gone; start `taskgate dev` again"))
}

/// The secret beside `database`, or `None` when there is none.
///
/// A file that is too short or that others can read is refused, not mended: this program makes files whole and private,
/// so somebody else had a hand in it, and only they know whether the secret has been seen.
pub(in crate::cli) fn read(database: &Path) -> Result<Option<SecretString>, Failure> {
    let path = path_beside(database);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(fault(&path, &format!("cannot be read: {error}; delete it, and `dev` makes a new one")));
        }
    };
    if !is_private(&file).map_err(|error| fault(&path, &format!("cannot be read: {error}")))? {
        return Err(fault(&path, "can be read by other users; delete it, and `taskgate dev` makes a new one"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| {
        fault(&path, &format!("cannot be read: {error}; delete it, and `taskgate dev` makes a new one"))
    })?;
    let secret = text.trim_end();
    if secret.len() < TokenRules::MIN_SECRET_BYTES {
        return Err(fault(&path, "has fewer than 32 bytes; delete it, and `taskgate dev` makes a new one"));
    }
    Ok(Some(secret.into()))
}

fn path_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".dev-secret");
    path.into()
}

/// Writes the whole secret under another name first, so that the file is there with all of it or not at all.
fn make(path: &Path) -> io::Result<()> {
    let mut random = [0; 40];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("the system has no randomness"))?;
    let (secret, suffix) = random.split_at(32);
    let draft = path.with_extension(format!("{}.dev-secret", URL_SAFE_NO_PAD.encode(suffix)));
    let mut file = private_file().open(&draft)?;
    let written = writeln!(file, "{}", URL_SAFE_NO_PAD.encode(secret)).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| place(&draft, path));
    // Whatever became of it, no second copy of a secret stays behind; after a rename there is none.
    let _ = fs::remove_file(&draft);
    placed
}

/// Gives the file its name, unless another start that ran at the same time already has.
fn place(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no links; a rename is as atomic, and only the race is then decided by who is last.
        Err(_) => fs::rename(draft, path),
        Ok(()) => Ok(()),
    }
}

fn fault(path: &Path, what: &str) -> Failure {
    Failure::Fault(format!("The secret of `taskgate dev` in {} {what}.", path.display()))
}

#[cfg(unix)]
fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

#[cfg(unix)]
fn is_private(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;

    let of_others = file.metadata()?.permissions().mode() & 0o077;
    Ok(of_others == 0)
}

#[cfg(not(unix))]
fn is_private(_: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests;
