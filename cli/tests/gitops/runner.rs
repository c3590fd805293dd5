//! A runner of GitHub Actions as far as the scripts of the workflow use it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::gitops::{git, isolated, repository, sample};
use crate::support::kubectl::program;
use crate::support::{Folder, Said};
use crate::workflow::{Step, Workflow};

pub(crate) fn workflow() -> Workflow {
    let text = fs::read_to_string(sample().join(".github/workflows/canary.yaml")).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

/// A machine with the sample, programs that stand in for others, and the files of a runner.
pub(crate) struct Runner {
    pub(crate) folder: Folder,
    /// The clone of the repository.
    pub(crate) work: PathBuf,
    programs: Folder,
}

impl Runner {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let work = repository(&folder);
        fs::create_dir(folder.path("temp")).unwrap();
        let programs = Folder::new();
        program(
            &programs,
            "gh",
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$RUNNER_TEMP/gh\"\n",
        );
        program(&programs, "curl", CURL);
        Self {
            folder,
            work,
            programs,
        }
    }

    pub(crate) fn temp(&self, name: &str) -> PathBuf {
        self.folder.path("temp").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.temp(name)).unwrap()
    }

    /// Runs the scripts of a job, as a runner does; the expressions have these values.
    pub(crate) fn run(&self, job: &str, expressions: &[(&str, &str)]) -> Said {
        let workflow = workflow();
        let known: BTreeMap<_, _> = expressions.iter().copied().collect();
        let mut all = Said {
            status: 0,
            stdout: String::new(),
            stderr: String::new(),
        };
        for step in &workflow.jobs[job].steps {
            let Step::Run(script) = step else { continue };
            let mut environment = workflow.env.clone();
            for (name, value) in &script.env {
                let value = match value
                    .strip_prefix("${{ ")
                    .and_then(|it| it.strip_suffix(" }}"))
                {
                    Some(expression) => known[expression],
                    None => value,
                };
                environment.insert(name.clone(), value.to_owned());
            }
            let said = self.script(&script.run, &environment);
            all.status = said.status;
            all.stdout += &said.stdout;
            all.stderr += &said.stderr;
            if said.status != 0 {
                break;
            }
        }
        all
    }

    fn script(&self, script: &str, environment: &BTreeMap<String, String>) -> Said {
        let added = fs::read_to_string(self.temp("path")).unwrap_or_default();
        let path = format!(
            "{}{}:/usr/bin:/bin",
            added
                .lines()
                .map(|line| format!("{line}:"))
                .collect::<String>(),
            self.programs.root().display(),
        );
        let mut command = Command::new("bash");
        isolated(&mut command)
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(&self.work)
            .envs(environment)
            .env("PATH", path)
            .env("RUNNER_TEMP", self.folder.path("temp"))
            .env("GITHUB_PATH", self.temp("path"))
            .env("GITHUB_STEP_SUMMARY", self.temp("summary"))
            .env("GITHUB_RUN_ID", "17")
            .env("CANARY", env!("CARGO_BIN_EXE_canary"));
        command.output().unwrap().into()
    }

    pub(crate) fn commit(&self, from: &str, to: &str) {
        let path = self.work.join("deploy/plugin.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
        git(&self.work, &["commit", "-q", "-a", "-m", "Change"]);
    }
}

/// Packs the built command as a release does.
const CURL: &str = r#"#!/bin/sh
set -eu
test "$1 $3" = "-fsSLO -O"
mkdir "$ARCHIVE"
ln -s "$CANARY" "$ARCHIVE/canary"
tar -czf "${2##*/}" "$ARCHIVE"
rm -r "$ARCHIVE"
sha256sum "${2##*/}" >"${4##*/}"
echo "0000000000000000000000000000000000000000000000000000000000000000  canary-other.tar.gz" >>"${4##*/}"
"#;
