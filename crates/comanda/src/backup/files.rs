//! Files of a backup: readable by their owner alone, copied with their checksum, on the disk before they are named.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use miette::{Result, miette};
use sha2::{Digest, Sha256};

use super::manifest::FileCopy;

const BUFFER_BYTES: usize = 1 << 18;

/// Makes `dir` if it does not exist, with what is above it; it belongs to its owner alone.
pub(crate) fn make_folder(dir: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.and_then(|()| std::fs::set_permissions(dir, Permissions::from_mode(0o700)))
        .map_err(|why| cannot("make", dir, &why))
}

/// Whether there is nothing in `dir`, or no `dir`.
pub(crate) fn is_vacant(dir: &Path) -> Result<bool> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(true),
        Err(why) => Err(cannot("use", dir, &why)),
    }
}

/// A new and empty file.
pub(super) fn new_file(path: &Path) -> Result<File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|why| cannot("write", path, &why))
}

pub(super) fn write_private(path: &Path, text: &[u8]) -> Result<()> {
    let mut file = new_file(path)?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(|why| cannot("write", path, &why))
}

pub(crate) fn sync_folder(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|why| cannot("sync", dir, &why))
}

/// A file of at most `bytes_max`.
pub(super) fn read_small(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut text));
    read.map_err(|why| cannot("read", path, &why))?;
    if text.len() as u64 > bytes_max {
        return Err(miette!("{} has more than {bytes_max} bytes", path.display()));
    }
    Ok(text)
}

pub(super) fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// The checksum and size of a file, named as `name`.
pub(super) fn describe(path: &Path, name: String) -> Result<FileCopy> {
    let file = File::open(path).map_err(|why| cannot("read", path, &why))?;
    pour(file, path, std::io::sink(), path, name, &mut |_| {})
}

/// Copies a file, named as `name`, into a new one.
pub(crate) fn copy(from: &Path, to: &Path, name: String, moved: &mut dyn FnMut(u64)) -> Result<FileCopy> {
    let source = File::open(from).map_err(|why| cannot("read", from, &why))?;
    let target = new_file(to)?;
    let copied = pour(source, from, &target, to, name, moved)?;
    target.sync_all().map_err(|why| cannot("write", to, &why))?;
    Ok(copied)
}

fn pour(
    mut source: impl Read,
    from: &Path,
    mut target: impl Write,
    to: &Path,
    name: String,
    moved: &mut dyn FnMut(u64),
) -> Result<FileCopy> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER_BYTES]);
    loop {
        let count = source.read(&mut buffer).map_err(|why| cannot("read", from, &why))?;
        let Some(part) = buffer.get(..count).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        target.write_all(part).map_err(|why| cannot("write", to, &why))?;
        bytes += part.len() as u64;
        moved(part.len() as u64);
    }
    Ok(FileCopy { path: name, bytes, sha256: hex(&hash.finalize()) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What could not be done, and what to do.
pub(crate) fn cannot(what: &str, path: &Path, why: &std::io::Error) -> miette::Report {
    let help = match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "free space there, or choose another folder"
        }
        ErrorKind::PermissionDenied => "run this as the user that owns it",
        _ => "check that the path exists and can be used",
    };
    miette!(help = help, "cannot {what} {}: {why}", path.display())
}
