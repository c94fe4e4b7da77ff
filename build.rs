//! Puts the explorer into the program where `scripts/explorer` has built it: the files of `explorer/dist`, as they are.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=explorer/dist");
    let root = env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?;
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let dist = Path::new(&root).join("explorer/dist");
    let page = dist.join("index.html");
    let (page, files) = if page.is_file() {
        (format!("Some(include_str!({}))", literal(&page)?), files(&dist.join("assets"))?)
    } else {
        ("None".to_owned(), "&[]".to_owned())
    };
    let source =
        format!("pub(super) const PAGE: Option<&str> = {page};\npub(super) const FILES: &[(&str, &[u8])] = {files};\n");
    fs::write(Path::new(&out).join("explorer.rs"), source)
}

/// The files of a folder with their names, in Rust.
fn files(folder: &Path) -> io::Result<String> {
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut source = "&[\n".to_owned();
    for name in names {
        let (path, name) = (folder.join(&name), literal(Path::new(&name))?);
        // Writing to memory does not fail.
        let _ = writeln!(source, "    ({name}, include_bytes!({})),", literal(&path)?);
    }
    source.push(']');
    Ok(source)
}

/// A path in Rust.
fn literal(path: &Path) -> io::Result<String> {
    let text = path.to_str().ok_or_else(|| io::Error::other("the path of the explorer is not UTF-8"))?;
    Ok(format!("{text:?}"))
}
