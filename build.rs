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
    let source = if page.is_file() {
        format!(
            "pub(super) const PAGE: Option<&str> = Some(include_str!({page:?}));\n{}",
            assets(&dist.join("assets"))?
        )
    } else {
        "pub(super) const PAGE: Option<&str> = None;\npub(super) const FILES: [(&str, &[u8]); 0] = [];\n".to_owned()
    };
    fs::write(Path::new(&out).join("explorer.rs"), source)
}

/// Each file of a folder with its name.
fn assets(folder: &Path) -> io::Result<String> {
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut source = format!("pub(super) const FILES: [(&str, &[u8]); {}] = [\n", names.len());
    for name in names {
        // Writing to memory does not fail.
        let _ = writeln!(source, "    ({name:?}, include_bytes!({:?})),", folder.join(&name));
    }
    source.push_str("];\n");
    Ok(source)
}
