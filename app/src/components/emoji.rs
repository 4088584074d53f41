//! The emoji that the picker offers: a choice, not all there are; any other can be typed. With names to find them by.

/// An emoji with its names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) glyph: &'static str,
    pub(crate) english: &'static str,
    pub(crate) chinese: &'static str,
}

const fn known(glyph: &'static str, english: &'static str, chinese: &'static str) -> Known {
    Known { glyph, english, chinese }
}

/// What people react with most.
pub(crate) const FREQUENT: &[Known] = &[
    known("👍", "thumbs up", "赞"),
    known("❤️", "heart", "爱心"),
    known("😂", "tears of joy", "笑哭"),
    known("🎉", "party", "庆祝"),
    known("👀", "eyes", "看"),
    known("🙏", "thank you", "谢谢"),
];

/// Faces.
pub(crate) const FACES: &[Known] = &[
    known("😀", "grinning", "嘿嘿"),
    known("😄", "smile", "大笑"),
    known("😅", "sweat smile", "苦笑"),
    known("🤣", "rolling laughing", "笑到打滚"),
    known("😊", "blush", "微笑"),
    known("🙂", "slight smile", "浅笑"),
    known("😉", "wink", "眨眼"),
    known("😍", "heart eyes", "喜爱"),
    known("😘", "kiss", "飞吻"),
    known("😎", "cool sunglasses", "墨镜酷"),
    known("🤔", "thinking", "思考"),
    known("🤨", "raised eyebrow", "怀疑"),
    known("😐", "neutral", "无语"),
    known("🙄", "rolling eyes", "翻白眼"),
    known("😏", "smirk", "得意"),
    known("😬", "grimace", "尴尬"),
    known("😴", "sleeping", "睡觉"),
    known("🥱", "yawn", "打哈欠"),
    known("😢", "cry", "哭"),
    known("😭", "sobbing", "大哭"),
    known("😤", "huff", "生气"),
    known("😡", "angry", "愤怒"),
    known("🤯", "mind blown", "震惊"),
    known("😱", "scream", "惊恐"),
    known("🥳", "partying face", "派对"),
    known("🤗", "hug", "拥抱"),
    known("🤒", "sick", "生病"),
    known("🙃", "upside down", "倒脸"),
    known("🥲", "smiling tear", "含泪微笑"),
    known("😇", "angel", "天使"),
];

/// Hands and people.
pub(crate) const HANDS: &[Known] = &[
    known("👎", "thumbs down", "踩"),
    known("👌", "ok", "好的"),
    known("✌️", "victory", "胜利"),
    known("🤞", "fingers crossed", "祝好运"),
    known("👏", "clap", "鼓掌"),
    known("🙌", "raised hands", "万岁"),
    known("💪", "strong", "加油"),
    known("🤝", "handshake", "握手"),
    known("👋", "wave", "挥手"),
    known("🫡", "salute", "敬礼"),
    known("🤷", "shrug", "耸肩"),
    known("🤦", "facepalm", "捂脸"),
    known("🙋", "raising hand", "举手"),
    known("👩‍💻", "technologist", "程序员"),
    known("🧑‍🤝‍🧑", "people", "伙伴"),
];

/// Things, food, animals, weather.
pub(crate) const THINGS: &[Known] = &[
    known("🔥", "fire", "火"),
    known("✨", "sparkles", "闪亮"),
    known("🚀", "rocket", "火箭"),
    known("💡", "idea", "点子"),
    known("🐛", "bug", "虫子"),
    known("🔧", "wrench", "扳手"),
    known("📌", "pin", "图钉"),
    known("📎", "paperclip", "回形针"),
    known("📅", "calendar", "日历"),
    known("⏰", "alarm clock", "闹钟"),
    known("☕", "coffee", "咖啡"),
    known("🍵", "tea", "茶"),
    known("🍕", "pizza", "披萨"),
    known("🎂", "cake", "蛋糕"),
    known("🍻", "cheers", "干杯"),
    known("🌱", "seedling", "幼苗"),
    known("🌈", "rainbow", "彩虹"),
    known("☀️", "sun", "太阳"),
    known("🌙", "moon", "月亮"),
    known("🐱", "cat", "猫"),
    known("🐶", "dog", "狗"),
    known("🦀", "crab", "螃蟹"),
    known("🎵", "music", "音乐"),
    known("🎁", "gift", "礼物"),
    known("🏆", "trophy", "奖杯"),
];

/// Signs.
pub(crate) const SIGNS: &[Known] = &[
    known("✅", "done check", "完成"),
    known("❌", "no cross", "叉"),
    known("⚠️", "warning", "警告"),
    known("❓", "question", "问号"),
    known("❗", "exclamation", "感叹号"),
    known("💯", "hundred", "满分"),
    known("➕", "plus", "加"),
    known("➡️", "right arrow", "右箭头"),
    known("🔴", "red", "红色"),
    known("🟡", "yellow", "黄色"),
    known("🟢", "green", "绿色"),
    known("💔", "broken heart", "心碎"),
    known("💙", "blue heart", "蓝心"),
    known("💬", "speech", "说话"),
    known("💤", "zzz", "睡着"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_emoji_is_accepted_as_a_reaction() {
        for known in [FREQUENT, FACES, HANDS, THINGS, SIGNS].concat() {
            assert!(known.glyph.parse::<protocol::Emoji>().is_ok(), "{known:?}");
        }
    }
}
