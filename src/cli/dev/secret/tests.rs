use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tasks.v1.db");
    (folder, database)
}

/// The names of all files in the folder.
fn files(folder: &TempDir) -> Vec<String> {
    fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn it_is_made_once_and_kept() {
    let (folder, database) = folder();
    assert!(read(&database).unwrap().is_none());
    let secret = read_or_make(&database).unwrap();
    assert_eq!(secret.expose_secret().len(), 43);
    assert_eq!(read_or_make(&database).unwrap().expose_secret(), secret.expose_secret());
    assert_eq!(files(&folder), ["tasks.v1.db.dev-secret"]);
    let (_other_folder, other) = self::folder();
    assert_ne!(read_or_make(&other).unwrap().expose_secret(), secret.expose_secret());
}

#[test]
fn starts_at_the_same_time_agree() {
    let (folder, database) = folder();
    let secrets: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| read_or_make(&database).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap().expose_secret().to_owned()).collect()
    });
    assert!(secrets.iter().all(|secret| *secret == secrets[0]), "{} secrets", secrets.len());
    assert_eq!(files(&folder).len(), 1);
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_folder, database) = folder();
    read_or_make(&database).unwrap();
    let path = path_beside(&database);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let failure = read_or_make(&database).unwrap_err();
        assert_eq!(failure.status(), 1);
        assert!(failure.sentence().contains("other users; delete it"), "{failure:?}");
    }
}

#[test]
fn a_file_that_is_no_secret_is_refused_and_left_alone() {
    for content in ["", "\n", "too short\n", &" ".repeat(64)] {
        let (_folder, database) = folder();
        let path = path_beside(&database);
        private_file().open(&path).unwrap().write_all(content.as_bytes()).unwrap();
        let failure = read_or_make(&database).unwrap_err();
        assert!(failure.sentence().contains("fewer than 32 bytes; delete it"), "{failure:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_fault_that_says_so() {
    let failure = read_or_make(Path::new("/no/such/folder/a.db")).unwrap_err();
    assert_eq!(failure.status(), 1);
    assert!(failure.sentence().contains("/no/such/folder/a.db.dev-secret"), "{failure:?}");
}
