//! `canary schema`.

use crate::output::print;
use crate::run::Ended;

/// Print the JSON Schema of the configuration
///
/// Editors complete and check a configuration with it, and show what each field means. It never refuses what the filter
/// accepts, but it cannot say everything that `canary check` finds. The draft is 2020-12.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Example, for an editor with the YAML language server:\n  $ canary schema >schema.json\n  $ head -n 1 canary.yaml\n  # yaml-language-server: $schema=schema.json"
)]
pub(crate) struct Arguments {
    /// Print the schema of Istio's WasmPlugin with the configuration as its pluginConfig
    #[arg(long)]
    wasm_plugin: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Ended {
    Ended::of(print(&if arguments.wasm_plugin {
        canary::wasm_plugin_schema()
    } else {
        canary::schema()
    }))
}
