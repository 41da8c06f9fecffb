//! A scan of files that are as they were, beside `find`, which does the least that any scan must.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Files in a folder.
const IN_A_FOLDER: usize = 100;

/// Scans so many known files so many times, turn by turn with `find`, and prints the medians.
pub(crate) fn measure(files: usize, rounds: usize) {
    let tree = tree(files);
    let catalogue = tempfile::tempdir().unwrap();
    let scan = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_btsindex"));
        command.arg("--catalogue").arg(catalogue.path());
        command.args(["scan", "--no-pictures"]).arg(&tree);
        seconds(command)
    };
    let find = || {
        let mut command = Command::new("find");
        command.arg(&tree).args(["-printf", "%s %T@ %p\n"]);
        seconds(command)
    };
    println!("first scan  {:.1} s for {files} files", scan());
    let turns: Vec<(f64, f64)> = (0..rounds.max(1)).map(|_| (scan(), find())).collect();
    let (ours, its): (Vec<f64>, Vec<f64>) = turns.iter().copied().unzip();
    let ratios = turns.iter().map(|(ours, its)| ours / its).collect();
    println!("rescan      {:.2} s", median(ours));
    println!("find        {:.2} s", median(its));
    println!("ratio       {:.2}", median(ratios));
}

fn seconds(mut command: Command) -> f64 {
    let begun = Instant::now();
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(ended.unwrap().success());
    begun.elapsed().as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Small sound files, each its own content: made once, and kept.
fn tree(files: usize) -> PathBuf {
    let tree = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("known-{files}"));
    let done = tree.join(".done");
    if done.exists() {
        return tree;
    }
    for number in 0..files {
        let folder = number / IN_A_FOLDER;
        let folder = tree.join(format!(
            "day{:02}/card{:02}/CLIP",
            folder / 100,
            folder % 100
        ));
        if number % IN_A_FOLDER == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        let path = folder.join(format!("T{:04}.WAV", number % IN_A_FOLDER));
        fs::write(&path, wave(number as u64)).unwrap();
        let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_779_278_400);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    fs::write(done, "").unwrap();
    tree
}

/// A sound of 32 samples that are a number.
fn wave(number: u64) -> Vec<u8> {
    let data = number.to_le_bytes().repeat(8);
    let size = u32::try_from(data.len()).unwrap();
    let mut wave = b"RIFF".to_vec();
    wave.extend((36 + size).to_le_bytes());
    wave.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data");
    wave.extend(size.to_le_bytes());
    wave.extend(data);
    wave
}
