//! Reads JSON into the types of this crate and those made of them.
//!
//! It stands beside `serde_json` for what every page loads: it knows no error but one, so no words for errors come along, and
//! it reads what a type asks for, so nothing is derived for what it never gets. A value that it takes is one that `serde_json`
//! takes, and the same. It takes no floating-point number and no array in place of a struct, for the wire has neither.

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{
        self, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor, value::CowStrDeserializer,
    },
    forward_to_deserialize_any,
};

#[cfg(test)]
mod tests;

/// How deep something may be nested in a field that is passed over, in arrays and objects.
const DEPTH_MAX: usize = 100;

/// Reads a value; `None` where the text is not JSON or not of that type.
pub fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let mut reader = Reader { text, at: 0 };
    let value = T::deserialize(&mut reader).ok()?;
    (reader.peek().is_none()).then_some(value)
}

/// Reads the text in the field `name` of an object, without a look at what comes after it.
pub(crate) fn field<'de>(text: &'de str, name: &str) -> Option<Cow<'de, str>> {
    let mut reader = Reader { text, at: 0 };
    reader.open(b'{').ok()?;
    let mut is_first = true;
    while reader.has_next(b'}', &mut is_first).ok()? {
        let key = reader.string().ok()?;
        reader.take(b':').ok()?;
        if key == name {
            return reader.string().ok();
        }
        reader.skip(DEPTH_MAX).ok()?;
    }
    None
}

/// The only error there is.
#[derive(Debug)]
struct Invalid;

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("invalid JSON")
    }
}

impl std::error::Error for Invalid {}

/// Each says what it is about, and none of it is kept.
impl de::Error for Invalid {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

/// A text, and how far it is read.
struct Reader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Reader<'de> {
    /// The byte at the cursor, if there is one.
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The first byte of what comes next, after blanks.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self.byte()
    }

    /// Passes over `byte`, which must come next.
    fn take(&mut self, byte: u8) -> Result<(), Invalid> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(Invalid)
    }

    /// Begins an array or object.
    fn open(&mut self, bracket: u8) -> Result<(), Invalid> {
        self.take(bracket)
    }

    /// Whether an array or object has one more; if not, it is ended.
    fn has_next(&mut self, close: u8, is_first: &mut bool) -> Result<bool, Invalid> {
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(is_first) {
            self.take(b',')?;
        }
        Ok(true)
    }

    /// Passes over `word`, if it comes next.
    fn word(&mut self, word: &str) -> bool {
        self.peek();
        let is_there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    /// Passes over digits; answers how many there are.
    fn digits(&mut self) -> usize {
        let from = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - from
    }

    /// Passes over the whole part of a number.
    fn whole(&mut self) -> Result<(), Invalid> {
        let begins_with_zero = self.byte() == Some(b'0');
        match self.digits() {
            1 => Ok(()),
            2.. if !begins_with_zero => Ok(()),
            _ => Err(Invalid),
        }
    }

    fn unsigned(&mut self) -> Result<u64, Invalid> {
        self.peek();
        let from = self.at;
        self.whole()?;
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) {
            return Err(Invalid);
        }
        self.text[from..self.at].parse().map_err(|_| Invalid)
    }

    fn string(&mut self) -> Result<Cow<'de, str>, Invalid> {
        self.take(b'"')?;
        let mut whole = String::new();
        loop {
            let from = self.at;
            while !matches!(self.byte(), None | Some(b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            let part = &self.text[from..self.at];
            let ended_by = self.byte();
            self.at += 1;
            match ended_by {
                Some(b'"') if whole.is_empty() => return Ok(Cow::Borrowed(part)),
                Some(b'"') => {
                    whole.push_str(part);
                    return Ok(Cow::Owned(whole));
                }
                Some(b'\\') => {
                    whole.push_str(part);
                    whole.push(self.escaped()?);
                }
                _ => return Err(Invalid),
            }
        }
    }

    /// The character that stands behind a backslash.
    fn escaped(&mut self) -> Result<char, Invalid> {
        let byte = self.byte().ok_or(Invalid)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                let rest = if matches!(first, 0xD800..0xDC00) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    Some(self.unit()?)
                } else {
                    None
                };
                let mut characters = char::decode_utf16([first].into_iter().chain(rest));
                let character = characters.next().and_then(Result::ok);
                return character.filter(|_| characters.next().is_none()).ok_or(Invalid);
            }
            _ => return Err(Invalid),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, Invalid> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Invalid)?;
        self.at += 4;
        // `from_str_radix` takes a sign as well.
        if digits.starts_with('+') {
            return Err(Invalid);
        }
        u16::from_str_radix(digits, 16).map_err(|_| Invalid)
    }

    /// Passes over a value that nobody asked for.
    fn skip(&mut self, depth: usize) -> Result<(), Invalid> {
        match self.peek().ok_or(Invalid)? {
            b'"' => self.string().map(drop),
            bracket @ (b'{' | b'[') => {
                let depth = depth.checked_sub(1).ok_or(Invalid)?;
                self.at += 1;
                let close = if bracket == b'{' { b'}' } else { b']' };
                let mut is_first = true;
                while self.has_next(close, &mut is_first)? {
                    if bracket == b'{' {
                        self.string()?;
                        self.take(b':')?;
                    }
                    self.skip(depth)?;
                }
                Ok(())
            }
            b'-' | b'0'..=b'9' => self.skip_number(),
            _ if self.word("true") || self.word("false") || self.word("null") => Ok(()),
            _ => Err(Invalid),
        }
    }

    fn skip_number(&mut self) -> Result<(), Invalid> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        self.whole()?;
        if self.byte() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Invalid);
            }
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(Invalid);
            }
        }
        Ok(())
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Invalid;

    /// Our types say what they expect.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Invalid> {
        Err(Invalid)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        let value = self.word("true");
        if value || self.word("false") { visitor.visit_bool(value) } else { Err(Invalid) }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_u64(self.unsigned()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_str(&self.string()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if self.word("null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if self.word("null") { visitor.visit_unit() } else { Err(Invalid) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.open(b'[')?;
        visitor.visit_seq(Items { reader: self, is_first: true })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.open(b'{')?;
        visitor.visit_map(Items { reader: self, is_first: true })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        if self.peek() == Some(b'"') {
            return visitor.visit_enum(CowStrDeserializer::new(self.string()?));
        }
        self.open(b'{')?;
        let value = visitor.visit_enum(&mut *self)?;
        self.take(b'}')?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.skip(DEPTH_MAX)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char bytes byte_buf unit_struct tuple tuple_struct
    }
}

/// What stands in an array or object.
struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Invalid;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Invalid> {
        if !self.reader.has_next(b']', &mut self.is_first)? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        if !self.reader.has_next(b'}', &mut self.is_first)? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Invalid> {
        self.reader.take(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant that holds something.
impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Invalid;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Invalid> {
        let variant = seed.deserialize(&mut *self)?;
        self.take(b':')?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Invalid;

    fn unit_variant(self) -> Result<(), Invalid> {
        if self.word("null") { Ok(()) } else { Err(Invalid) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Invalid> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Invalid> {
        Err(Invalid)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        self.deserialize_map(visitor)
    }
}
