//! Which names of rules, subsets, hosts and clusters are valid. A name becomes part of a metric's name, a header or a
//! cluster's name, so it must not contain their separators.

/// The name of a rule or a subset: 1 to 63 letters, digits, `-`, `_`, `.`.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// A DNS name: labels of 1 to 63 letters, digits, `-` and `_`, 253 characters at most.
pub(crate) fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// The name of an Envoy cluster: 1 to 256 visible ASCII characters without `;`.
pub(crate) fn is_cluster(name: &str) -> bool {
    (1..=256).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contain_no_separators() {
        for (name, name_ok, host_ok, cluster_ok) in [
            ("a", true, true, true),
            ("blue-sub_1.x", true, true, true),
            ("", false, false, false),
            ("a b", false, false, false),
            ("a;b", false, false, false),
            ("a/b", false, false, true),
            ("outbound|80|v1|a.b", false, false, true),
            ("a..b", true, false, true),
            ("*.b", false, false, true),
            ("é", false, false, false),
            ("a\n", false, false, false),
        ] {
            let found = (is_name(name), is_host(name), is_cluster(name));
            assert_eq!(found, (name_ok, host_ok, cluster_ok), "{name:?}");
        }
    }

    #[test]
    fn names_have_a_maximum_length() {
        let of = |length| "a".repeat(length);
        assert!(is_name(&of(63)) && !is_name(&of(64)));
        assert!(is_host(&of(63)) && !is_host(&of(64)));
        let label = format!("{}.", of(62)).repeat(4);
        assert!(is_host(&format!("{label}a")) && !is_host(&format!("{label}aa")));
        assert!(is_cluster(&of(256)) && !is_cluster(&of(257)));
    }
}
