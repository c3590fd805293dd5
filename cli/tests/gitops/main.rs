//! The sample repository, `examples/gitops`: its workflow, its gate and what it does after an alert, with real Git and with
//! stand-ins for `kubectl`, `gh` and `curl`.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod runner;
#[path = "../support/mod.rs"]
mod support;
mod workflow;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use runner::{Runner, workflow};
use serde_json::Value;
use support::gitops::{cluster, git, isolated, repository, sample};
use support::{Folder, Said};
use workflow::{Access, Job, Scope, Step};

const PULL_REQUEST: &[(&str, &str)] = &[
    ("github.token", "t"),
    ("github.event.pull_request.number", "7"),
];

#[test]
fn the_workflow_is_what_github_accepts_and_no_job_may_more_than_it_needs() {
    let workflow = workflow();
    assert_eq!(
        workflow.permissions,
        BTreeMap::from([(Scope::Contents, Access::Read)])
    );
    assert_eq!(workflow.defaults.run.shell, "bash");
    assert_eq!(workflow.on.pull_request.paths, ["deploy/**"]);
    let inputs: Vec<_> = workflow.on.workflow_dispatch.inputs.keys().collect();
    assert_eq!(inputs, ["rule", "weights"]);
    for input in workflow.on.workflow_dispatch.inputs.values() {
        assert!(input.required && !input.description.is_empty());
    }
    let events = [
        "github.event_name == 'pull_request'",
        "github.event_name == 'workflow_dispatch'",
    ];
    let jobs: Vec<_> = workflow
        .jobs
        .iter()
        .map(|(name, job)| (name.as_str(), job))
        .collect();
    let [("check", check), ("weights", weights)] = jobs[..] else {
        panic!("{:?}", workflow.jobs.keys())
    };
    assert_eq!([check.r#if.as_str(), weights.r#if.as_str()], events);
    assert_eq!(check.permissions[&Scope::Contents], Access::Read);
    assert_eq!(weights.permissions[&Scope::Contents], Access::Write);
    for job in [check, weights] {
        assert_eq!(
            (job.runs_on.as_str(), job.timeout_minutes),
            ("ubuntu-24.04", 10)
        );
        assert_eq!(job.permissions[&Scope::PullRequests], Access::Write);
        check_steps(job);
    }
}

fn check_steps(job: &Job) {
    for step in &job.steps {
        match step {
            Step::Uses(action) => assert_eq!(action.uses, "actions/checkout@v4"),
            Step::Run(script) => {
                assert!(!script.name.is_empty());
                // An expression in a script would run what the author of a pull request has written.
                assert!(!script.run.contains("${{"), "{}", script.run);
            }
        }
    }
    let Some(Step::Uses(checkout)) = job.steps.first() else {
        panic!("no checkout")
    };
    let writes = job.permissions[&Scope::Contents] == Access::Write;
    let with = (checkout.with.persist_credentials, checkout.with.fetch_depth);
    assert_eq!(
        with,
        if writes {
            (None, None)
        } else {
            (Some(false), Some(2))
        }
    );
    let conditions = job.steps.iter().filter_map(|step| match step {
        Step::Run(script) => script.r#if.as_deref(),
        Step::Uses(_) => None,
    });
    for condition in conditions {
        assert_eq!(
            condition,
            "github.event.pull_request.head.repo.full_name == github.repository"
        );
    }
}

#[test]
fn the_archive_is_the_one_that_a_release_has() {
    let manifest = include_str!("../../../Cargo.toml");
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = "));
    let version = version.unwrap().trim_matches('"');
    let workflow = workflow();
    assert_eq!(
        workflow.env["ARCHIVE"],
        format!("canary-{version}-linux-amd64")
    );
    assert!(workflow.env["RELEASE"].ends_with(&format!("/download/v{version}")));
    let makefile = include_str!("../../../Makefile");
    assert!(makefile.contains("archive := canary-$(version)-linux-$(ARCH)"));
}

#[test]
fn a_pull_request_is_checked_and_gets_a_comment_that_shows_who_moves() {
    let runner = Runner::new();
    runner.commit("weight: 25", "weight: 50");
    let said = runner.run("check", PULL_REQUEST);
    assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{said:?}");
    let comment = runner.read("comment.md");
    assert!(comment.starts_with("```text\ncolor (<stdin>:"), "{comment}");
    assert!(
        comment.contains("users move (") && comment.ends_with("\n```\n"),
        "{comment}"
    );
    assert_eq!(runner.read("summary"), comment);
    let file = runner.temp("comment.md");
    let call = [
        "pr",
        "comment",
        "7",
        "--edit-last",
        "--create-if-none",
        "--body-file",
    ];
    assert_eq!(
        runner.read("gh"),
        format!("{}\n{}\n", call.join("\n"), file.display())
    );
}

#[test]
fn a_mistake_is_shown_at_its_line_and_ends_the_job() {
    let runner = Runner::new();
    runner.commit("weight: 25", "weight: -5");
    let said = runner.run("check", PULL_REQUEST);
    assert_eq!(said.status, 1, "{said:?}");
    let annotation = "::error file=deploy/plugin.yaml,line=";
    assert!(said.stdout.contains(annotation), "{}", said.stdout);
    assert!(!runner.temp("gh").exists());
}

#[test]
fn a_new_plugin_moves_nobody_and_gets_no_comment() {
    let runner = Runner::new();
    git(
        &runner.work,
        &["rm", "-q", "--cached", "deploy/plugin.yaml"],
    );
    git(&runner.work, &["commit", "-q", "-m", "Without"]);
    git(&runner.work, &["add", "deploy/plugin.yaml"]);
    git(&runner.work, &["commit", "-q", "-m", "With"]);
    let said = runner.run("check", PULL_REQUEST);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(!runner.temp("gh").exists() && !runner.temp("comment.md").exists());
}

#[test]
fn new_weights_become_a_branch_and_a_pull_request() {
    let runner = Runner::new();
    let expressions = [
        ("github.token", "t"),
        ("inputs.rule", "color"),
        ("inputs.weights", "blue-sub=50 green-sub=50"),
    ];
    let said = runner.run("weights", &expressions);
    assert_eq!(said.status, 0, "{said:?}");
    let title = "color: blue-sub 50 (50 %), green-sub 50 (50 %)";
    let log = git(
        &runner.folder.path("origin.git"),
        &["log", "-1", "--format=%an: %s", "canary-17"],
    );
    assert_eq!(log, format!("canary: {title}\n"));
    let diff = git(
        &runner.work,
        &["diff", "--numstat", "main", "origin/canary-17"],
    );
    assert_eq!(diff, "2\t2\tdeploy/plugin.yaml\n");
    let body = runner.temp("body.md");
    let call = ["pr", "create", "--title", title, "--body-file"].join("\n");
    assert_eq!(runner.read("gh"), format!("{call}\n{}\n", body.display()));
    assert!(runner.read("body.md").contains("users move ("));
}

#[test]
fn weights_that_the_filter_refuses_are_not_proposed() {
    for weights in [
        "blue-sub=0 green-sub=0",
        "red=1",
        "$(id)",
        "blue-sub=1 --retry=x",
    ] {
        let runner = Runner::new();
        let expressions = [
            ("github.token", "t"),
            ("inputs.rule", "color"),
            ("inputs.weights", weights),
        ];
        let said = runner.run("weights", &expressions);
        assert_ne!(said.status, 0, "{said:?}");
        assert_eq!(git(&runner.work, &["status", "--short"]), "", "{weights}");
        assert!(!runner.temp("gh").exists(), "{weights}");
    }
}

/// Runs a script of the sample with these programs and variables.
fn script(path: &Path, arguments: &[&str], programs: &Folder, variables: &[(&str, &str)]) -> Said {
    let command = Path::new(env!("CARGO_BIN_EXE_canary")).parent().unwrap();
    let path_variable = format!(
        "{}:{}:/usr/bin:/bin",
        programs.root().display(),
        command.display()
    );
    let mut command = Command::new(path);
    isolated(&mut command)
        .args(arguments)
        .envs(variables.iter().copied())
        .env("PATH", path_variable);
    command.output().unwrap().into()
}

#[test]
fn the_gate_is_open_while_all_pods_run_the_configuration_and_no_version_is_out() {
    let gate = sample().join("gate.sh");
    let gateway = ["istio-system/istio=ingressgateway"];
    let said = script(&gate, &gateway, &cluster(false), &[]);
    assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{said:?}");

    let said = script(&gate, &gateway, &cluster(true), &[]);
    assert_eq!(said.status, 1, "{said:?}");
    assert_eq!(said.stderr, "gate.sh: a version is rolled back\n");

    let unreachable = cluster(false);
    fs::write(unreachable.path("get-fails"), "Forbidden").unwrap();
    let said = script(&gate, &gateway, &unreachable, &[]);
    assert_eq!((said.status, said.stdout.as_str()), (1, ""), "{said:?}");
}

#[test]
fn an_alert_takes_the_version_out_in_the_cluster_and_in_git_once() {
    let (folder, cluster) = (Folder::new(), cluster(true));
    repository(&folder);
    let origin = folder.path("origin.git");
    let url = format!("file://{}", origin.display());
    let variables = [
        ("REPOSITORY", url.as_str()),
        ("LIVE", "kube:istio-system/canary"),
    ];
    let take_out = sample().join("alert/take-out.sh");
    let subjects = || git(&origin, &["log", "--format=%s", "main"]);
    for _ in 0..2 {
        let said = script(&take_out, &["color", "green-sub"], &cluster, &variables);
        assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{said:?}");
        let subject = "color: take green-sub out, because it is worse than stable";
        assert_eq!(subjects(), format!("{subject}\nThe canary of color\n"));
    }
    let patch = serde_json::from_str::<Value>(&cluster.read("patch.json")).unwrap();
    let last = patch.as_array().unwrap().last().unwrap();
    assert_eq!(last["path"], "/spec/pluginConfig/http/0/route/1/weight");
    assert_eq!(last["value"], 0);
    let said = script(&take_out, &["colour", "green-sub"], &cluster, &variables);
    assert_eq!(said.status, 1);
    assert_eq!(subjects().lines().count(), 2);
}

/// The hook passes labels on that every notification of its receiver has.
#[test]
fn the_hook_takes_the_labels_that_alertmanager_groups_by() {
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(sample().join("alert").join(name)).unwrap();
        serde_yaml_ng::from_str(&text).unwrap()
    };
    let (hooks, alertmanager) = (read("hooks.yaml"), read("alertmanager.yaml"));
    let hook = &hooks[0];
    let route = &alertmanager["route"]["routes"][0];
    let by: Vec<_> = route["group_by"].as_array().unwrap().iter().collect();
    for argument in hook["pass-arguments-to-command"].as_array().unwrap() {
        let label = argument["name"]
            .as_str()
            .unwrap()
            .strip_prefix("commonLabels.");
        assert!(by.contains(&&Value::from(label.unwrap())), "{argument}");
    }
    let receiver = &alertmanager["receivers"][1];
    assert_eq!(receiver["name"], route["receiver"]);
    let webhook = &receiver["webhook_configs"][0];
    let url = webhook["url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/hooks/{}", hook["id"].as_str().unwrap())));
    let rules = &hook["trigger-rule"]["and"];
    let credentials = webhook["http_config"]["authorization"]["credentials"]
        .as_str()
        .unwrap();
    assert_eq!(rules[0]["match"]["value"], format!("Bearer {credentials}"));
    let alerts = include_str!("../../../istio/telemetry/prometheus-rules.yaml");
    let name = "CanaryWorseThanStable";
    assert!(alerts.contains(&format!("alert: {name}\n")));
    assert_eq!(route["matchers"][0], format!("alertname = \"{name}\""));
}
