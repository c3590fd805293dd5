//! The contents of the images, from `docker save`.

use std::fs;
use std::path::PathBuf;

use harness::Scratch;
use serde_json::{Value, json};

use crate::engine::{engine, image, root, run};

/// An image as an archive, unpacked.
struct Image {
    config: Value,
    layers: Vec<PathBuf>,
    dir: Scratch,
}

impl Image {
    fn save(name: &str) -> Self {
        let dir = Scratch::new();
        let (archive, unpacked) = (dir.join("image.tar"), dir.join(""));
        let archive = archive.to_str().unwrap();
        match engine().as_str() {
            "buildah" => run(
                "buildah",
                &["push", name, &format!("docker-archive:{archive}")],
            ),
            "podman" => run(
                "podman",
                &["save", "--format", "docker-archive", "-o", archive, name],
            ),
            docker => run(docker, &["save", "-o", archive, name]),
        };
        run("tar", &["-xf", archive, "-C", unpacked.to_str().unwrap()]);
        let json = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(dir.join(name)).unwrap()).unwrap()
        };
        let manifest = json("manifest.json");
        let layers = manifest[0]["Layers"].as_array().unwrap().iter();
        let layers = layers
            .map(|layer| dir.join(layer.as_str().unwrap()))
            .collect();
        Self {
            config: json(manifest[0]["Config"].as_str().unwrap()),
            layers,
            dir,
        }
    }

    /// The only file of the only layer: its line in the archive's list, and its bytes.
    fn only_file(&self, name: &str) -> (String, Vec<u8>) {
        let [layer] = &self.layers[..] else {
            panic!("one layer: {:?}", self.layers)
        };
        let layer = layer.to_str().unwrap();
        assert_eq!(run("tar", &["-tf", layer]), name);
        let list = run("tar", &["-tvf", layer]);
        run(
            "tar",
            &["-xf", layer, "-C", self.dir.join("").to_str().unwrap()],
        );
        (list, fs::read(self.dir.join(name)).unwrap())
    }
}

/// Whether a 64-bit little-endian ELF asks for a dynamic loader (program header PT_INTERP, 3).
fn is_static(elf: &[u8]) -> bool {
    assert_eq!(elf[..6], *b"\x7fELF\x02\x01");
    let number = |at: usize, length: usize| -> usize {
        elf[at..at + length]
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).all(|index| number(table + index * size, 4) != 3)
}

#[test]
fn color_is_one_static_program_of_at_most_2_mb_that_is_not_root() {
    let image = Image::save(&image("COLOR_IMAGE"));
    let (list, program) = image.only_file("color");
    assert!(list.starts_with("-rwxr-xr-x"), "{list}");
    assert!(is_static(&program));
    assert!(program.len() <= 2_000_000, "{} bytes", program.len());
    let config = &image.config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/color"]));
    assert_eq!(config["ExposedPorts"], json!({"8080/tcp": {}}));
    // The image has no shell either.
    assert!(
        config["Cmd"].is_null() || config["Cmd"] == json!([]),
        "{config}"
    );
}

#[test]
fn the_command_is_one_static_program_that_is_not_root() {
    let image = Image::save(&image("COMMAND_IMAGE"));
    let (list, program) = image.only_file("canary");
    assert!(list.starts_with("-rwxr-xr-x"), "{list}");
    assert!(is_static(&program));
    let config = &image.config["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], json!(["/canary"]));
}

#[test]
fn the_plugin_is_the_module_at_the_root_of_the_last_layer() {
    let image = Image::save(&image("PLUGIN_IMAGE"));
    let (_, module) = image.only_file("plugin.wasm");
    assert!(module == fs::read(root().join("dist/plugin.wasm")).unwrap());
    assert!(module.starts_with(b"\0asm"));
}

#[test]
fn a_dynamic_program_is_recognized() {
    assert!(!is_static(&fs::read("/proc/self/exe").unwrap()));
}
