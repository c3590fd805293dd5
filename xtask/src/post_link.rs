//! Removes what the linker cannot: exports of the SDK that the filter does not need, and methods of the SDK's traits that
//! are never called.
//!
//! The SDK exports every callback of the ABI, used or not, and Envoy calls each one that exists, for every request and
//! body chunk (1 to 3 µs a request in total). Only the needed ones stay; code that only the others used is removed.
//!
//! The SDK's traits have a hundred convenience methods, such as `get_http_request_header`. The filter does not use them,
//! but they are entries in the method tables of its contexts, so the linker keeps them all and Envoy compiles them when it
//! starts. Through these tables the SDK calls nothing but its callbacks, so the functions of all other entries are removed.

use std::collections::BTreeSet;

use walrus::ir::{self, Visitor};
use walrus::{ElementItems, Function, FunctionBuilder, FunctionId, Module, ModuleConfig, passes};

use crate::Result;

/// All exports that the filter needs.
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
    "proxy_on_response_trailers",
    "proxy_on_tick",
    // The SDK frees a request's context here.
    "proxy_on_delete",
];

/// Returns the module as it is shipped.
///
/// # Errors
/// The bytes are not a module, or a needed export is missing.
pub(crate) fn shipped(module: &[u8]) -> Result<Vec<u8>> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(false)
        .generate_producers_section(false);
    let mut module = config
        .parse(module)
        .map_err(|error| format!("the module cannot be read: {error}"))?;
    let present: BTreeSet<String> = module
        .exports
        .iter()
        .map(|export| export.name.clone())
        .collect();
    if let Some(missing) = EXPORTS.iter().find(|name| !present.contains(**name)) {
        return Err(format!("the module does not export `{missing}`").into());
    }
    remove_exports(&mut module);
    remove_methods(&mut module)?;
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

/// Removes from the tables those methods of the SDK that neither the SDK nor, directly, the filter calls.
fn remove_methods(module: &mut Module) -> Result<()> {
    let is_method = |function: &Function| {
        function
            .name
            .as_deref()
            .is_some_and(is_method_for_convenience)
    };
    let methods: BTreeSet<_> = module
        .funcs
        .iter()
        .filter(|function| is_method(function))
        .map(Function::id)
        .collect();
    if methods.is_empty() {
        return Err(
            "the SDK's methods are not found by their names: has the module been stripped?".into(),
        );
    }
    let unused: BTreeSet<_> = methods.difference(&called(module)).copied().collect();
    let stop = stop(module);
    for element in module.elements.iter_mut() {
        if let ElementItems::Functions(functions) = &mut element.items {
            functions
                .iter_mut()
                .filter(|function| unused.contains(function))
                .for_each(|function| *function = stop);
        }
    }
    Ok(())
}

/// Whether this is a method of the SDK's traits, other than those by which the SDK drives a context.
fn is_method_for_convenience(symbol: &str) -> bool {
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    let Some((_, method)) = name.split_once("proxy_wasm::traits::") else {
        return false;
    };
    let method = method.rsplit("::").next().unwrap_or_default();
    !["on_", "create_", "get_type"]
        .iter()
        .any(|driven| method.starts_with(driven))
}

/// The functions that are called directly and not through a table.
fn called(module: &Module) -> BTreeSet<FunctionId> {
    struct Called(BTreeSet<FunctionId>);

    impl Visitor<'_> for Called {
        fn visit_function_id(&mut self, function: &FunctionId) {
            self.0.insert(*function);
        }
    }

    let mut called = Called(BTreeSet::new());
    for (_, function) in module.funcs.iter_local() {
        ir::dfs_in_order(&mut called, function, function.entry_block());
    }
    called.0
}

/// The function that replaces the removed ones. It stops the module.
fn stop(module: &mut Module) -> FunctionId {
    let mut stop = FunctionBuilder::new(&mut module.types, &[], &[]);
    stop.func_body().unreachable();
    stop.finish(vec![], &mut module.funcs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLBACK: &str =
        "_ZN10proxy_wasm6traits11HttpContext24on_http_request_trailers17h0123456789abcdefE";
    const CALLED: &str = "_ZN10proxy_wasm6traits7Context16get_current_time17h0123456789abcdefE";
    const UNUSED: &str = "_ZN10proxy_wasm6traits7Context12get_property17h0123456789abcdefE";

    /// A module that exports these functions and has a table with methods of the SDK. The last export calls one of them.
    fn module(exports: &[&str]) -> Vec<u8> {
        let mut module = Module::default();
        let methods = [CALLBACK, CALLED, UNUSED].map(|name| {
            let mut method = FunctionBuilder::new(&mut module.types, &[], &[]);
            method
                .name(name.to_owned())
                .func_body()
                .i32_const(name.len() as i32)
                .drop();
            method.finish(vec![], &mut module.funcs)
        });
        let nothing = module.types.add(&[], &[]);
        let table = module
            .tables
            .add_local(false, 3, Some(3), walrus::RefType::FUNCREF);
        let kind = walrus::ElementKind::Active {
            table,
            offset: walrus::ConstExpr::Value(ir::Value::I32(0)),
        };
        let element = module
            .elements
            .add(kind, ElementItems::Functions(methods.to_vec()));
        module.tables.get_mut(table).elem_segments.insert(element);
        let memory = module.memories.add_local(false, false, 1, None, None);
        for name in exports {
            if *name == "memory" {
                module.exports.add(name, memory);
                continue;
            }
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
            function
                .func_body()
                .call(methods[1])
                .i32_const(0)
                .call_indirect(nothing, table);
            let function = function.finish(vec![], &mut module.funcs);
            module.exports.add(name, function);
        }
        module.emit_wasm()
    }

    #[test]
    fn only_what_is_needed_stays() {
        let exports: Vec<_> = EXPORTS
            .iter()
            .copied()
            .chain(["proxy_on_log", "proxy_on_request_body"])
            .collect();
        let shipped = Module::from_buffer(&shipped(&module(&exports)).unwrap()).unwrap();
        let left: Vec<_> = shipped
            .exports
            .iter()
            .map(|export| export.name.as_str())
            .collect();
        assert_eq!(left, EXPORTS);
        let methods = 3; // The two used ones, and the replacement of the third.
        assert_eq!(
            shipped.funcs.iter().count(),
            EXPORTS.len() - 1 + methods,
            "those of the others are gone"
        );
    }

    #[test]
    fn a_method_that_is_called_through_the_table_or_by_its_name_stays() {
        let shipped = Module::from_buffer(&shipped(&module(EXPORTS)).unwrap()).unwrap();
        let table: Vec<_> = shipped
            .elements
            .iter()
            .flat_map(|element| functions(&element.items))
            .collect();
        let bodies = table
            .iter()
            .map(|function| shipped.funcs.get(**function).kind.unwrap_local());
        let stops: Vec<_> = bodies
            .map(|body| body.block(body.entry_block()).instrs.len() == 1)
            .collect();
        assert_eq!(stops, [false, false, true]);
    }

    fn functions(items: &ElementItems) -> &[FunctionId] {
        match items {
            ElementItems::Functions(functions) => functions,
            ElementItems::Expressions(..) => &[],
        }
    }

    #[test]
    fn methods_are_known_by_their_names_in_both_manglings() {
        for (symbol, for_convenience) in [
            (UNUSED, true),
            (CALLED, true),
            (CALLBACK, false),
            (
                "_ZN10proxy_wasm6traits11RootContext19create_http_context17h0123456789abcdefE",
                false,
            ),
            (
                "_ZN10proxy_wasm6traits11RootContext8get_type17h0123456789abcdefE",
                false,
            ),
            (
                "_ZN10proxy_wasm9hostcalls12get_property17h0123456789abcdefE",
                false,
            ),
            (
                "_RNvYNtNtCs1_6filter6filter6StreamNtNtCs2_10proxy_wasm6traits7Context12get_propertyB5_",
                true,
            ),
            ("memcpy", false),
        ] {
            assert_eq!(
                is_method_for_convenience(symbol),
                for_convenience,
                "{symbol}"
            );
        }
    }

    #[test]
    fn a_module_without_names_fails_the_build() {
        let mut config = ModuleConfig::new();
        config.generate_name_section(false);
        let stripped = config.parse(&module(EXPORTS)).unwrap().emit_wasm();
        assert!(
            shipped(&stripped)
                .unwrap_err()
                .to_string()
                .contains("stripped")
        );
    }

    #[test]
    fn a_missing_export_fails_the_build() {
        for missing in EXPORTS {
            let exports: Vec<_> = EXPORTS
                .iter()
                .copied()
                .filter(|name| name != missing)
                .collect();
            let error = shipped(&module(&exports)).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
        assert!(shipped(b"no module").is_err());
    }
}
