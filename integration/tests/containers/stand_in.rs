//! An image for Envoy if no registry can be reached. It holds the Envoy of the tests and the few programs that the compose
//! file needs from the official image.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{Binary, Scratch};

use crate::engine::{attempt, engine, run};

const OFFICIAL: &str = "envoyproxy/envoy:v1.40.0";
const STAND_IN: &str = "canary-envoy-stand-in:test";

/// Returns the name of the official image if it is here or can be pulled, else builds a stand-in.
pub(crate) fn envoy_image() -> String {
    let engine = engine();
    if attempt(&engine, &["image", "inspect", OFFICIAL]).is_ok()
        || attempt(&engine, &["pull", OFFICIAL]).is_ok()
    {
        return OFFICIAL.to_owned();
    }
    let dir = Scratch::new();
    let context = dir.join("");
    let mut files = BTreeSet::new();
    for (name, program) in [("envoy", envoy())]
        .into_iter()
        .chain(["bash", "sed", "grep"].map(|name| (name, which(name))))
    {
        copy(&program, &context.join("usr/bin").join(name));
        files.extend(libraries(&program));
    }
    copy(&which("bash"), &context.join("usr/bin/sh"));
    for library in files {
        copy(&library, &context.join(library.strip_prefix("/").unwrap()));
    }
    fs::create_dir_all(context.join("tmp")).unwrap();
    fs::write(
        context.join("Dockerfile"),
        "FROM scratch\nCOPY . /\nENV PATH=/usr/bin\n",
    )
    .unwrap();
    run(
        &engine,
        &["build", "-t", STAND_IN, context.to_str().unwrap()],
    );
    STAND_IN.to_owned()
}

/// Removes the stand-in, if this is one.
pub(crate) fn remove(image: &str) {
    if image == STAND_IN {
        let _ = attempt(&engine(), &["rmi", image]);
    }
}

/// The program itself, because Python's package puts a script in front of it.
fn envoy() -> PathBuf {
    let path = Binary::Envoy
        .find()
        .unwrap_or_else(|missing| panic!("{missing}"));
    if fs::read(&path).unwrap().starts_with(b"\x7fELF") {
        return path;
    }
    let venv = path.parent().and_then(Path::parent).unwrap();
    let found = run("find", &[venv.to_str().unwrap(), "-path", "*/_bin/envoy"]);
    PathBuf::from(found.lines().next().expect("the package has a program"))
}

fn which(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .expect("it is installed")
}

/// The libraries that the program needs, and the dynamic loader.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let list = run("ldd", &[program]);
    let words = list
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    words.map(PathBuf::from).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}
