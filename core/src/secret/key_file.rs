//! Replaces the key in a key file by a new one. Each step may be interrupted and repeated: the file always holds a
//! whole key, and neither key is lost.

use super::keyring::directory;
use crate::{Error, Result};
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Replaces the key file `current` by `new`. The old key is kept beside it in a file named by its id: older backups of
/// the database still need it. Returns the path of the old key.
pub fn succeed(current: &Path, current_id: &str, new: &Path) -> Result<PathBuf> {
    let kept = current.with_added_extension(current_id);
    replace(current, &kept, new).map_err(|error| {
        let reason = format!(
            "cannot put {} in the place of {}: {error}",
            new.display(),
            current.display()
        );
        Error::Unavailable(reason)
    })?;
    Ok(kept)
}

fn replace(current: &Path, kept: &Path, new: &Path) -> io::Result<()> {
    match fs::hard_link(current, kept) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(directory(current))?.sync_all()?;
    fs::rename(new, current)?;
    File::open(directory(current))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::keyring::Keyring;

    #[test]
    fn the_new_key_stands_in_the_file_and_the_old_one_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (current, new) = (folder.path().join("db.key"), folder.path().join("db.key.new"));
        let (old_key, new_key) = (
            Keyring::load_or_create(&current).unwrap(),
            Keyring::load_or_create(&new).unwrap(),
        );
        // Interrupted after its first step, and repeated.
        fs::hard_link(&current, current.with_added_extension(old_key.id())).unwrap();
        let kept = succeed(&current, &old_key.id(), &new).unwrap();
        assert_eq!(Keyring::load(&current).unwrap().id(), new_key.id());
        assert_eq!(Keyring::load(&kept).unwrap().id(), old_key.id());
        assert!(!new.exists());
        let error = succeed(&current, &new_key.id(), &new).unwrap_err().to_string();
        assert!(error.contains("db.key.new"), "{error}");
        assert_eq!(Keyring::load(&current).unwrap().id(), new_key.id(), "and stays");
    }
}
