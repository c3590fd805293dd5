//! What the linker cannot know: which of the SDK's exports the proxy has any business with.
//!
//! The SDK exports every callback of the ABI, used or not, and Envoy calls each one that exists, for every request and
//! body chunk (1 to 3 µs a request in all). So only these stay, and the code that only the others used goes with them.

use std::collections::BTreeSet;

use walrus::{Module, ModuleConfig, passes};

use crate::Result;

/// Every export that the filter needs, and no other.
const EXPORTS: &[&str] = &[
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    // The SDK frees a request's context here.
    "proxy_on_delete",
];

/// The module as it is shipped.
///
/// # Errors
/// What is no module, or lacks an export that is needed.
pub(crate) fn shipped(module: &[u8]) -> Result<Vec<u8>> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse(module).map_err(|error| format!("the module cannot be read: {error}"))?;
    let present: BTreeSet<String> = module.exports.iter().map(|export| export.name.clone()).collect();
    if let Some(missing) = EXPORTS.iter().find(|name| !present.contains(**name)) {
        return Err(format!("the module does not export `{missing}`").into());
    }
    remove_exports(&mut module);
    passes::gc::run(&mut module);
    let custom: Vec<_> = module.customs.iter().map(|(id, _)| id).collect();
    for id in custom {
        module.customs.delete(id);
    }
    Ok(module.emit_wasm())
}

fn remove_exports(module: &mut Module) {
    let unused: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !EXPORTS.contains(&export.name.as_str()))
        .map(|export| export.id())
        .collect();
    for id in unused {
        module.exports.delete(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with these functions as its exports.
    fn module(exports: &[&str]) -> Vec<u8> {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        for name in exports {
            if *name == "memory" {
                module.exports.add(name, memory);
                continue;
            }
            let mut function = walrus::FunctionBuilder::new(&mut module.types, &[], &[]);
            function.func_body().i32_const(exports.len() as i32).drop();
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add(name, function);
        }
        module.emit_wasm()
    }

    #[test]
    fn only_what_is_needed_stays() {
        let exports: Vec<_> =
            EXPORTS.iter().copied().chain(["proxy_on_log", "proxy_on_request_body"]).collect();
        let shipped = Module::from_buffer(&shipped(&module(&exports)).unwrap()).unwrap();
        let left: Vec<_> = shipped.exports.iter().map(|export| export.name.as_str()).collect();
        assert_eq!(left, EXPORTS);
        assert_eq!(shipped.funcs.iter().count(), EXPORTS.len() - 1, "functions of the others are gone");
    }

    #[test]
    fn a_missing_export_fails_the_build() {
        for missing in EXPORTS {
            let exports: Vec<_> = EXPORTS.iter().copied().filter(|name| name != missing).collect();
            let error = shipped(&module(&exports)).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
        assert!(shipped(b"no module").is_err());
    }
}
