//! Python's and Node's packages that tests need, made once and kept under `target`.

use crate::programs::{need, skip};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// The Python of a virtual environment with exactly what `requirements` lists, made once and kept under `target`.
pub fn python(requirements: &Path) -> Option<PathBuf> {
    let python = need("python3")?;
    let folder = folder("venvs", requirements);
    let inside = folder.join("bin/python");
    let made = once(&folder, requirements, || {
        run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&folder))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ];
        run(Command::new(&inside).args(pip).arg(requirements))
    });
    finish(made, inside, requirements)
}

/// A folder under `target` that holds a `package.json` and its installed packages.
pub fn node_modules(package: &Path) -> Option<PathBuf> {
    let npm = need("npm")?;
    let folder = folder("node", package);
    let made = once(&folder, package, || {
        fs::copy(package, folder.join("package.json"))?;
        let install = [
            "install",
            "--no-package-lock",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ];
        run(Command::new(&npm).args(install).current_dir(&folder))
    });
    finish(made, folder, package)
}

fn finish<T>(made: anyhow::Result<()>, value: T, list: &Path) -> Option<T> {
    match made {
        Ok(()) => Some(value),
        Err(error) => skip(&format!("what {} lists ({error:#})", list.display())),
    }
}

/// A folder named for the list and for the folder that the list lies in.
fn folder(kind: &str, list: &Path) -> PathBuf {
    let names: Vec<_> = list
        .iter()
        .rev()
        .take(2)
        .map(|name| name.to_string_lossy().replace('.', "-"))
        .collect();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    target
        .join(kind)
        .join(names.into_iter().rev().collect::<Vec<_>>().join("-"))
}

/// Runs `make` unless it was finished before for this very list. Tests of several processes wait for each other.
fn once(folder: &Path, list: &Path, make: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    let (marker, wanted) = (folder.join("complete"), fs::read(list)?);
    if fs::read(&marker).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    make()?;
    Ok(fs::write(marker, wanted)?)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    anyhow::ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
