//! The header fields of an HTTP/2 answer (RFC 7541), for a client that has announced an empty dynamic table.

/// Appendix A, in order from 1: `name=value`, separated by `|`.
const STATIC: &str = ":authority=|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|\
    :status=200|:status=204|:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset=|\
    accept-encoding=gzip, deflate|accept-language=|accept-ranges=|accept=|access-control-allow-origin=|age=|allow=|\
    authorization=|cache-control=|content-disposition=|content-encoding=|content-language=|content-length=|\
    content-location=|content-range=|content-type=|cookie=|date=|etag=|expect=|expires=|from=|host=|if-match=|\
    if-modified-since=|if-none-match=|if-range=|if-unmodified-since=|last-modified=|link=|location=|max-forwards=|\
    proxy-authenticate=|proxy-authorization=|range=|referer=|refresh=|retry-after=|server=|set-cookie=|\
    strict-transport-security=|transfer-encoding=|user-agent=|vary=|via=|www-authenticate=";

/// The ASCII part of appendix B: for each length in bits, the first code and the octets of this and the following codes.
const HUFFMAN: [(u32, u32, &[u8]); 10] = [
    (5, 0, b"012aceiost"),
    (6, 0x14, b" %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, 0xf8, b"&*,;XZ"),
    (10, 0x3f8, b"!\"()?"),
    (11, 0x7fa, b"'+|"),
    (12, 0xffa, b"#>"),
    (13, 0x1ff8, b"\0$@[]~"),
    (14, 0x3ffc, b"^}"),
    (15, 0x7ffc, b"<`{"),
];

/// Name and value of every field of a block; `None` if the block is malformed.
pub(crate) fn fields(mut block: &[u8]) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    while let Some(first) = block.first() {
        // The leading bits give the kind of the field; its index follows them (6.1 to 6.3).
        let prefix = match first.leading_zeros() {
            0 => 7,
            1 => 6,
            2 => 5,
            _ => 4,
        };
        let index = integer(&mut block, prefix)?;
        match prefix {
            7 => fields.push(entry(index)?),
            // An update of the size of the dynamic table, which stays empty.
            5 => {}
            _ => {
                let name = if index == 0 {
                    string(&mut block)?
                } else {
                    entry(index)?.0
                };
                fields.push((name, string(&mut block)?));
            }
        }
    }
    Some(fields)
}

fn entry(index: usize) -> Option<(String, String)> {
    let (name, value) = STATIC
        .split('|')
        .nth(index.checked_sub(1)?)?
        .split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

/// An integer with a prefix of this many bits in its first octet (5.1).
fn integer(block: &mut &[u8], prefix: u32) -> Option<usize> {
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(*block.split_off_first()?) & mask;
    if value < mask {
        return Some(value);
    }
    for shift in (0..28).step_by(7) {
        let octet = usize::from(*block.split_off_first()?);
        value += (octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A string literal (5.2).
fn string(block: &mut &[u8]) -> Option<String> {
    let coded = block.first()? & 0x80 != 0;
    let length = integer(block, 7)?;
    let octets = block.split_off(..length)?;
    let octets = if coded {
        decoded(octets)?
    } else {
        octets.to_vec()
    };
    Some(String::from_utf8_lossy(&octets).into_owned())
}

fn decoded(octets: &[u8]) -> Option<Vec<u8>> {
    let (mut text, mut code, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for bit in octets
        .iter()
        .flat_map(|octet| (0..8).rev().map(move |place| u32::from(octet >> place & 1)))
    {
        (code, bits) = (code << 1 | bit, bits + 1);
        let letter = HUFFMAN
            .iter()
            .find(|(length, ..)| *length == bits)
            .and_then(|(_, first, letters)| {
                letters.get(usize::try_from(code.checked_sub(*first)?).ok()?)
            });
        if let Some(letter) = letter {
            text.push(*letter);
            (code, bits) = (0, 0);
        }
    }
    // The padding is at most seven bits, all of them 1 (5.2).
    (bits < 8 && code + 1 == 1 << bits).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.chars().filter(char::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect()
    }

    fn texts(hex: &str) -> Option<Vec<String>> {
        let fields = fields(&bytes(hex))?;
        Some(
            fields
                .iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect(),
        )
    }

    /// The answers of C.6.1 (with Huffman code) and C.5.1 (without), without the dynamic table.
    #[test]
    fn the_examples_of_the_specification_are_read() {
        let plain = "4803 333032 5807 70726976617465 611d 4d6f6e2c203231204f637420323031332032303a31333a323120474d54 \
                     6e17 68747470733a2f2f7777772e6578616d706c652e636f6d";
        let coded = "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3";
        let expected = [
            ":status: 302",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ];
        assert_eq!(texts(plain).unwrap(), expected);
        assert_eq!(texts(coded).unwrap(), expected);
        assert_eq!(
            texts("20 8d 0003 782d61 0162").unwrap(),
            [":status: 404", "x-a: b"]
        );
    }

    #[test]
    fn a_malformed_block_is_refused() {
        for hex in [
            "80",
            "be",
            "48",
            "4805 3330",
            "48 81 40",
            "7fffffffffff",
            "0001",
        ] {
            assert_eq!(texts(hex), None, "{hex}");
        }
    }
}
