//! [`Keyring`]: encrypts (seals) secrets, tokens and header values before they are stored, and decrypts (opens) them.
//! The cipher is XChaCha20-Poly1305: its nonces are long enough to be random without a counter.
//!
//! A sealed value is: layout version (1 byte), id of the key (4), nonce (24), ciphertext with its tag. The context, for
//! instance `webhook_secret/<row id>`, is authenticated as additional data, so that a value moved to another row does
//! not open.

use crate::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

const LAYOUT: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const HEAD: usize = 1 + KEY_ID + NONCE;

/// The most bytes of a key file; a key in base64 has 44.
const MAX_FILE: u64 = 1024;

/// The master key, ready for use.
#[derive(Clone)]
pub struct Keyring {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

impl Keyring {
    /// Makes a keyring from 32 bytes in base64, as `LABELHOOK_MASTER_KEY` gives them.
    pub fn from_base64(text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
        match bytes.as_ref().map(|bytes| <&[u8; 32]>::try_from(&bytes[..])) {
            Ok(Ok(key)) => Ok(Self::new(key)),
            _ => Err(unusable("must be 32 bytes in base64")),
        }
    }

    /// Makes a keyring with a random key that is stored nowhere.
    pub fn generate() -> Self {
        Self::new(&fresh())
    }

    /// Loads an existing key file.
    pub fn load(path: &Path) -> Result<Self> {
        let file = File::open(path);
        let file = file.map_err(|error| unusable(format!("cannot open the key file {}: {error}", path.display())))?;
        load(file).map_err(|reason| unusable(format!("the key file {} {reason}", path.display())))
    }

    /// Loads a key file; creates one, readable by its owner alone, when there is none. Of several processes that start
    /// at once, one creates the file, and none ever sees it half written.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        if !path.exists() {
            Self::create(path, &STANDARD.encode(&fresh()[..]))?;
        }
        Self::load(path)
    }

    /// Stores a key, 32 bytes in base64, in a file of its own. An existing file stays as it is.
    pub fn create(path: &Path, key: &str) -> Result<()> {
        Self::from_base64(key)?;
        create(path, key.trim())
            .map_err(|error| unusable(format!("cannot make the key file {}: {error}", path.display())))
    }

    /// Returns the id of the key, which every value sealed with it contains. It is not secret.
    pub fn id(&self) -> String {
        hex::encode(self.id)
    }

    /// Returns whether a value was sealed with this key, by the key id in it.
    pub fn sealed(&self, value: &[u8]) -> bool {
        value.get(1..=KEY_ID) == Some(&self.id)
    }

    /// Seals a value for one place in the database.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload {
            msg: plain,
            aad: context.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only values of 256 GiB and more cannot be sealed");
        [&[LAYOUT][..], &self.id, &nonce, &sealed].concat()
    }

    /// Opens a value that [`Self::seal`] made for the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let fault = |reason: &str| Error::internal(format!("{context}: {reason}"));
        let (head, msg) = sealed
            .split_at_checked(HEAD)
            .ok_or_else(|| fault("sealed value is cut short"))?;
        let nonce = <[u8; NONCE]>::try_from(&head[1 + KEY_ID..]).expect("the head ends with the nonce");
        if head[0] != LAYOUT {
            return Err(fault("sealed value has an unknown layout"));
        }
        if head[1..=KEY_ID] != self.id {
            return Err(fault("sealed under another master key"));
        }
        self.cipher
            .decrypt(
                &XNonce::from(nonce),
                Payload {
                    msg,
                    aad: context.as_bytes(),
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| fault("sealed value was changed or belongs elsewhere"))
    }

    fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::digest(key);
        let id = [digest[0], digest[1], digest[2], digest[3]];
        Self {
            id,
            cipher: XChaCha20Poly1305::new(key.into()),
        }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({})", hex::encode(self.id))
    }
}

fn fresh() -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut key[..]);
    key
}

/// Creates the file under another name and links it into place: a link, unlike a rename, never replaces a file. The
/// file and its directory are synced, because a database whose key is lost is lost too.
fn create(path: &Path, key: &str) -> io::Result<()> {
    let directory = directory(path);
    let draft = directory.join(format!(".master-key-{:016x}", rand::random::<u64>()));
    let text = Zeroizing::new(format!("{key}\n"));
    let written = write(&draft, &text).and_then(|()| fs::hard_link(&draft, path));
    // The draft may not exist; `written` has the error that counts.
    fs::remove_file(&draft).ok();
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(directory)?.sync_all(),
    }
}

/// Returns the directory of a file.
pub(super) fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn load(file: File) -> Result<Keyring, String> {
    let about = file.metadata().map_err(|error| format!("cannot be read: {error}"))?;
    if !about.is_file() {
        return Err("is not a file".into());
    }
    if about.permissions().mode() & 0o077 != 0 {
        return Err("can be read by others: allow its owner only (chmod 600)".into());
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    Keyring::from_base64(&text).map_err(|_| "must hold 32 bytes in base64".into())
}

fn unusable(reason: impl Into<String>) -> Error {
    Error::invalid("masterKey", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn what_was_sealed_opens_again_under_the_same_context_only() {
        let keyring = Keyring::generate();
        let sealed = keyring.seal("webhook_secret/1", b"example_secret");
        assert_eq!(
            &keyring.open("webhook_secret/1", &sealed).unwrap()[..],
            b"example_secret"
        );
        assert!(keyring.open("webhook_secret/2", &sealed).is_err());
        assert_ne!(sealed, keyring.seal("webhook_secret/1", b"example_secret"));
        assert!(keyring.open("c", &keyring.seal("c", b"")).unwrap().is_empty());
    }

    #[test]
    fn a_changed_or_short_or_foreign_value_does_not_open() {
        let keyring = Keyring::generate();
        let sealed = keyring.seal("c", b"value");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keyring.open("c", &changed).is_err(), "byte {at}");
            assert!(keyring.open("c", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(Keyring::generate().open("c", &sealed).is_err());
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        let text = STANDARD.encode([7; 32]);
        let sealed = Keyring::from_base64(&text).unwrap().seal("c", b"v");
        assert!(
            Keyring::from_base64(&format!("{text}\n"))
                .unwrap()
                .open("c", &sealed)
                .is_ok()
        );
        for refused in ["", "seven", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33])] {
            assert!(Keyring::from_base64(refused).is_err());
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", Keyring::from_base64(&STANDARD.encode([7; 32])).unwrap());
        assert_eq!(text.len(), "Keyring()".len() + 8);
    }

    #[test]
    fn a_key_file_is_made_once_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                thread::spawn(move || Keyring::load_or_create(&path).unwrap().id)
            })
            .collect();
        let ids: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "no draft stays behind"
        );
    }

    #[test]
    fn an_unusable_key_file_is_named_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let check = |content: &[u8], mode: u32, reason: &str| {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Keyring::load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("master.key"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), content);
        };
        check(b"", 0o600, "32 bytes");
        check(b"not a key", 0o600, "32 bytes");
        check(b"\xff\xfe", 0o600, "cannot be read");
        check(STANDARD.encode([7; 32]).as_bytes(), 0o644, "chmod 600");
        assert!(Keyring::load_or_create(directory.path()).is_err());
        assert!(Keyring::load_or_create(&directory.path().join("no/such/master.key")).is_err());
    }
}
