"""The words that drawings understand: beginnings of English words (a blank ends one), and Chinese.

A word marked `~` is a mood or a side remark: it only counts where no plain word of its table does.
"""

# fmt: off
SCENES: dict[str, str] = {
    "sea": "sea|ocean|~water|wave|lake|beach|shore|coast|harbo|river|bay |海|湖|水面|河",
    "ridges": "ridge|mountain|~mist|~fog|valley|~hill|peak|alps|~cliff|~landscape|山|雾|谷",
    "dunes": "dune|desert|sand |sands|sahara|canyon|mars |沙",
    "city": "city|skyline|street|~neon|building|tower|downtown|tokyo|urban|skyscraper|城市|街|霓虹",
    "forest": "forest|woods|woodland|pine|fir |firs |spruce|jungle|~tree|grove|bamboo|森林|树|竹",
    "sky": "~sky |~star|aurora|northern light|galaxy|~cloud|outer space|~moon|planet|天空|星|极光|云|月",
    "plinth": "plinth|bottle|~product|perfume|pedestal|packshot|cosmetic|podium|serum|瓶|产品|香水",
    "spheres": "sphere|still life|ball |balls|orb |orbs|marble|geometr|glossy|bubble|球|静物",
    "portrait": "portrait|face|person|woman|man |girl|boy|fashion model|actress|people|~she "
        "|~he |lady|child|人像|女|男|人物|脸",
    "silk": "cloth|silk|fabric|satin|abstract|fluid|~flow|ribbon|curtain|liquid|smoke|丝|布|抽象",
}

# the first entry is the scene where a subject stands if no other is asked for
SUBJECTS: dict[str, str] = {
    "paper boat": "@sea|paper boat|origami|paper ship|纸船",
    "sailboat": "@sea|boat|ship |ships|sail|yacht|帆|船", "balloon": "@ridges|balloon|airship|热气球",
    "birds": "@sky|bird|gull|crane|flock|eagle|swallow|鸟", "whale": "@sea|whale|dolphin|鲸",
    "lighthouse": "@sea|lighthouse|灯塔", "cat": "@ridges|cat |kitten|cats|猫",
    "dog": "@ridges|dog|puppy|wolf|fox|狗|犬",
    "walker": "@dunes|~walk|hiker|traveller|traveler|figure|wanderer|astronaut|旅人",
    "car": "@dunes|car |cars|~driving|truck|汽车", "cabin": "@ridges|cabin|house|hut |cottage|小屋|房子",
    "lantern": "@forest|lantern|~candle|灯笼",
}

LIGHTS: dict[str, str] = {
    "first light": "first light|dawn|sunrise|daybreak|blue hour|~misty|黎明|日出|晨",
    "rose dusk": "dusk|twilight|sunset|evening|~romantic|~pastel|黄昏|日落|傍晚",
    "mint morning": "morning|~spring|~fresh|~calm|~serene|~gentle|清晨|春",
    "moonlight": "night|moon|midnight|~dark|夜|月光",
    "noon": "noon|midday|daylight|sunny|~bright|~clear|summer|正午|晴",
    "golden hour": "golden|golden hour|autumn|~warm|~nostalgi|~cozy|金色|秋",
    "ember": "fire |lava|volcan|ember|~epic|~dramatic|火|史诗",
    "overcast": "overcast|storm|~rain|~grey|~gray|~gloom|~moody|~melanchol|阴|雨",
    "polar night": "aurora|northern light|arctic|polar|iceland|极光",
    "violet night": "neon|cyberpunk|synthwave|futurist|vaporwave|霓虹|赛博",
}

WEATHERS: dict[str, str] = {
    "rain": "rain|storm|drizzl|downpour|雨", "snow": "snow|winter|blizzard|雪|冬",
    "dust": "dust|particle|firefl|pollen|spark|ember|magic|尘",
}

MOVES: dict[str, str] = {
    "push": "push-in|push in|push|zoom in|dolly in|approach|fly over|forward|推进|推近",
    "pull": "pull-out|pull out|pull back|zoom out|dolly out|reveal|拉远",
    "left": "pan left|truck left|move left|moves left|左移",
    "right": "pan right|truck right|move right|moves right|右移",
    "up": "tilt up|crane up|pedestal up|rise|rising|上升",
    "down": "tilt down|crane down|pedestal down|descend|下降",
    "orbit": "orbit|~turn|rotat|circl|arc shot|环绕|旋转", "drift": "drift|~float|handheld|~slow|漂",
    "still": "static|locked|fixed camera|tripod|固定",
}

# the first entry is the colour itself
COLOURS: dict[str, str] = {
    "red": "#d8362f|red |crimson|scarlet|ruby|红", "orange": "#ee7a2c|orange|amber|copper|橙",
    "yellow": "#f0c23c|yellow|gold |lemon|黄色", "green": "#3f9a5c|green|emerald|olive|jade|绿",
    "teal": "#1f9a9a|teal|turquoise|cyan|aqua|青", "blue": "#2f6fd0|blue |azure|navy|cobalt|蓝",
    "violet": "#7a4fd0|violet|purple|lavender|indigo|紫", "pink": "#e87aa8|pink|magenta|rose |粉",
    "white": "#eceae4|white|ivory|白", "black": "#26282c|black|noir|黑",
}
