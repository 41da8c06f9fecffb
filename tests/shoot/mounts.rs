//! Filesystems without a disk: memory, bind mounts, overlays, FUSE programs. Each is unmounted when
//! it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::disk::{run, unmount};

/// Mounted filesystem.
pub(crate) struct Mount {
    at: PathBuf,
    /// FUSE program, if the test started it.
    program: Option<Child>,
}

impl Mount {
    /// Mounts with arguments of mount(8), which precede the mount point.
    pub(crate) fn new(arguments: &[&str], at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        let all = [arguments, &[at.to_str().unwrap()]].concat();
        assert!(run("mount", &all), "mount {all:?}");
        Self {
            at: at.to_owned(),
            program: None,
        }
    }

    /// Mounts a folder in another place with bindfs.
    pub(crate) fn bindfs(folder: &Path, at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        let all = [folder.to_str().unwrap(), at.to_str().unwrap()];
        assert!(run("bindfs", &all), "bindfs {all:?}");
        Self {
            at: at.to_owned(),
            program: None,
        }
    }

    /// Mounts the NTFS of a device with ntfs-3g.
    pub(crate) fn ntfs(device: &str, at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        assert!(run("ntfs-3g", &[device, at.to_str().unwrap()]), "{device}");
        Self {
            at: at.to_owned(),
            program: None,
        }
    }

    /// Mounts a folder as a filesystem of type `kind` (`sshfs`) from `source` (`nas:/rushes`).
    pub(crate) fn passthrough(folder: &Path, at: &Path, source: &str, kind: &str) -> Self {
        Self::passthrough_with_cache(folder, at, source, kind, 0)
    }

    /// Like [`Self::passthrough`], and caches sizes and times for `seconds` seconds; if negative,
    /// even when a file is opened.
    pub(crate) fn passthrough_with_cache(
        folder: &Path,
        at: &Path,
        source: &str,
        kind: &str,
        seconds: i32,
    ) -> Self {
        fs::create_dir_all(at).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shoot/passthrough.py");
        let mut program = Command::new("btsindex-fuse-python")
            .arg(script)
            .args([folder, at])
            .args([source, kind])
            .arg(seconds.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = program.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        Self {
            at: at.to_owned(),
            program: Some(program),
        }
    }

    /// Unmounts the filesystem once it is no longer in use.
    pub(crate) fn unmount(mut self) {
        unmount(&self.at);
        if let Some(mut program) = self.program.take() {
            program.wait().unwrap();
        }
        self.at = PathBuf::new();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if !self.at.as_os_str().is_empty() {
            run("umount", &["-l", self.at.to_str().unwrap()]);
        }
        if let Some(program) = &mut self.program {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}
