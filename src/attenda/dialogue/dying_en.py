"""English ways to say that one no longer wants to live, or wants to die: verbs and what they reach.

A reading out of parts, no list of sentences: what is said of living (not wanting, stopping, being
tired of it) and what is wanted (dying, an end, to be gone). Written from memory; unreviewed.
"""

import re

__all__ = [
    "DENIED", "ENDS", "GONE", "HARMLESS", "LIVING", "LOOSE", "MUNDANE", "WANTED",
]  # fmt: skip

_W = r"[a-z']+"
_NOT = (
    r"(?:(?:do|does|did|is|are|was|were|have|has|had|ca|can|could|would|wo|ai)n'?t"
    r"|dnt|cannot|can not|not|no longer|never|hardly|barely|nor|neither)"
)
_LIVING = r"(?:li?vi?n+g?|liv(?:ign|eing))"
_ALIVE = r"(?:alive|aliv|alve|aliev|alife)"
_ME = r"(?:myself|my ?self|myslef|mysefl|mysel|meself)"
_ENDS = (
    r"(?= *(?:$|[.,;:!?)(…—–\-\n])| (?:any ?(?:more|longer)|nemore|at all|ever|again|tomorrow"
    r"|in the mornings?|every (?:single )?(?:day|morning)|each (?:day|morning)|another day"
    r"|like this"
    r"|(?:on|in|to) this (?:earth|world|planet|life)|to (?:another|the same|life)|with (?:life"
    r"|my life|this life)"
    r"|much longer|for much longer|and(?! (?:on|wait|see|get|then))|but|so(?! (?:early|late"
    r"|often))|because|cos|cuz|if|either"
    r"|tbh|really|honestly|pls|please)\b)"
)
"""Where words that are harmless with a complement stand by themselves."""
_LIVE = (
    rf"(?:(?:live(?: on)?|life|liv|be {_ALIVE}|be {_LIVING}|(?:stay|remain) {_ALIVE}|exist"
    rf"|go on {_LIVING}"
    rf"|carry on {_LIVING}|keep (?:on )?(?:{_LIVING}|existing|breathing)|continue (?:to live"
    r"|to exist"
    rf"|{_LIVING}|existing|(?:with )?my life)|survive|be born|be (?:on|in) this (?:earth|planet"
    r"|world)"
    r"|see (?:tomorrow|another (?:day|morning)|the morning)|be a part of this world)"
    r"|(?:be here|be around|wake(?: up)?|go on|carry on|keep going|keep fighting|breathe))"
)
_LIFE = (
    rf"(?:(?:{_LIVING}|(?:my |this )?life|life itself|(?:bein?g?|staying|remaining) {_ALIVE}"
    r"|existing|my existence"
    rf"|existence|(?:going|carrying|keeping) on {_LIVING}|being (?:on|in) this (?:earth|planet"
    r"|world)"
    r"|surviving|this world)"
    r"|(?:being here|being around|waking(?: up)?|going on|carrying on|keeping going|breathing"
    r"|it all"
    r"|any of (?:it|this)))"
)
_WISH = (
    r"(?:wan(?:t|ts|ted|ting|na|a)|wanna|wnat|wnt|wish(?:es|ed|ing)?|desir(?:e|ed|ing)|car(?:e|ed"
    r"|ing)"
    r"|long(?:ed)?|fancy|intend|hop(?:e|ing)|plan(?:ning)?|need|like|bother(?:ed)?|expect|keen"
    r"|willing"
    r"|eager|interested|see (?:myself|me)|able|in me|strong enough|brave enough)"
)
_TO = r"(?:(?: (?:to|2|too|on|in))? |na )"
_FEW = rf"(?: (?!but\b|and\b|because\b){_W}){{0,3}}?"
_REASON = (
    r"(?:will|wish|desire|drive|urge|reasons?|point|sense|purpose|motivation|strength|energy"
    r"|courage"
    r"|interest|use|incentive|hope|appetite|need|joy|meaning|value|cause|zest|taste|want|spirit"
    r"|way)"
)
_NO_MORE = (
    rf"(?!(?:no|{_NOT}(?: really)?(?: have| got)?(?: any| a| much)?)"
    r"(?: more| further| real| longer)? (?:use|need) for (?:any of|all of|it all))"  # things
    rf"(?:no|zero|nil|without|los(?:t|ing|e)|lack(?:ing)?|out of|{_NOT}(?: really| even"
    r"| got)? (?:have|find"
    r"|see|feel|know|got|any|a|the|think there(?:'s| is)|think of|much|be|is))"
)
_STOP = (
    r"(?:stop(?:ped|ping)?|quit(?:ting)?|ceas(?:e|ed|ing)|g[ai]ven?(?: up)?(?: on)?"
    r"|giving up(?: on)?)"
)
_TIRED_OF = (
    r"(?:(?:tired|tierd|tird|sick(?: to death)?|weary|wearied|fed ?up|bored|exhausted|worn out"
    r"|done|finished"
    r"|through"
    r"|had (?:quite |more than |just |about )?(?:enough|it|my fill)|enough|despair(?:ing)?)"
    r" (?:of|off|with|from|by)"
    r"|done|hat(?:e|ing)|loath(?:e|ing)|resent(?:ing)?|dread(?:ing)?|(?:can'?t|cannot"
    r"|can no longer)"
    r" (?:\w+ )?(?:stand|bear|face|take|handle|endure|cope with|do|tolerate)"
    r"|(?:'m|im|am|so|completely|totally) over)"
)
_BAD = (
    r"(?:pointless|meaningless|worthless|unbearable|unlivable|hopeless|senseless|purposeless"
    r"|a burden|a chore|torture|agony|too (?:much|hard|heavy|painful)|no (?:point|meaning|sense"
    r"|purpose"
    r"|use|value)|(?:lost|losing) (?:its|all)|exhausting|over|unendurable|no longer for me"
    r"|not for me|not worth|isn'?t worth|no longer worth|hardly worth|n'?t worth)"
)
_LONGER = r"(?: (?:any ?(?:more|longer)|much longer|no more|nemore))"
GONE = (
    rf"{_NOT}{_FEW} {_WISH}(?: with| about| of)?{_TO}(?:be )?"
    rf"(?:(?!end|tak|risk|los|ruin|chang|spoil|wast|destroy|throw|finish){_W} )?(?:{_LIVE}"
    rf"|{_LIFE})",
    rf"{_NOT}{_FEW} {_WISH} (?:(?:this|my|any) life|another (?:day|morning|year)"
    rf"|to be (?:a person|me|human|myself|anything|a burden)){_ENDS}",
    rf"(?:not|never) to (?:live\b|be {_ALIVE}|exist|be here{_ENDS}|wake(?: up)?{_ENDS})"
    rf"|no more (?:{_LIVING}|life)",
    rf"^(?:so |just )?over (?:{_LIVING}|life|existing)\b"
    r"|nothing (?:left )?(?:for me )?(?:left )?in (?:this )?life\b",
    rf"(?:life|{_LIVING}|existence|existing|being {_ALIVE})(?: {_W}){{0,2}} (?:no longer|hardly"
    rf"|not|\w+n't)(?: {_W}){{0,2}} (?:appeal|interest|matter|attract|hold|mean|offer|bring)\w*",
    rf"(?:{_LIVING}|existence|existing|being {_ALIVE})(?: just| only| simply| really)? (?:bores"
    r"|tires|exhausts|hurts|drains|disgusts|sickens|scares) (?:me|too much|so much)"
    r"|life (?:means|is) nothing to me",
    rf"(?:point|sense|reason|purpose|use)(?: {_W})?,? (?:of|in|for) (?:{_LIVING}|being {_ALIVE}"
    r"|existing|going on|life)(?: i mean| that is)",
    r"(?:god|lord|jesus|heaven|angels?|death)(?: \w+){0,4} takes? me\b(?! (?:to the|seriously"
    r"|home))|with me (?:dead|gone)\b|dead inside|worth more dead|my (?:own )?funeral",
    r"if i (?:were|was|happened) to (?:die|disappear|vanish)|if i died (?:tonight|today|tomorrow"
    r"|now|in my sleep)|won'?t be (?:around|alive) (?:much|for)",
    r"check(?:ing)? out (?:for good|permanently|of life)|(?<!cause of )(?:^|want |choose "
    r"|prefer )death(?= *(?:$|[.,;!?]))",
    rf"{_NOT}(?: {_W}){{0,2}}? (?:feel(?:ing)?|felt)?(?: {_W})?? ?like {_LIFE}",
    rf"(?:rather|prefer(?: to)?) not(?: {_W})?? {_LIVE}",
    rf"not want(?:ing)? to {_LIVE}",
    rf"{_NO_MORE}(?: {_W}){{0,3}}? {_REASON}(?: (?:left|any ?more|what ?so ?ever|at all|for me"
    r"|of mine|that i))*"
    r" (?:(?:to|in|for|of|about|on|i should)(?: me to| me)?(?: even| keep| bother"
    rf"| still)? )?(?:{_LIVE}|{_LIFE})",
    rf"{_REASON} (?:to live|for life|for {_LIVING}|to go on|to exist|to keep going"
    rf"|to be alive)(?: {_W}){{0,3}}"
    r" (?:gone|left me|vanished|disappeared|faded|run out|ran out|died|dead|lost|missing|dried up)",
    rf"{_STOP} (?:want|wish|car|desir|hop|bother|try)(?:e|ing|ed)?(?: {_W}){{0,2}}? (?:to|about|2"
    r"|whether i|if i)"
    rf" (?:{_LIVE}|{_LIFE})",
    rf"(?:g[ai]ven?|giving) up(?: on)?(?: all)? (?:{_LIFE}|{_LIVING}|{_ME})",
    rf"(?:lost|losing|lose)(?: {_W}){{0,2}} (?:interest|joy|pleasure|faith) in {_LIFE}",
    rf"(?:{_NOT}{_FEW} (?:care|mind|matter|bothered)|past caring"
    rf"|couldn'?t care less)(?: {_W}){{0,3}}? (?:if|whether|when)"
    r" i(?:'m| am)? (?:live|lived|die|died|dead|alive|wake(?: up)?|woke(?: up)?|survive|make it"
    r"|(?:never|do ?n'?t|did ?n'?t) wake)",
    rf"{_TIRED_OF}(?: (?:all|ever|just|even|still|constantly|always))? {_LIFE}",
    rf"(?:done|finished|through) (?:{_LIVING}|being {_ALIVE}|existing)",
    r"(?<!way of )(?<!half my )(?<!rest of my )"
    rf"\b(?:life|{_LIVING}|being {_ALIVE}|existing|existence|staying {_ALIVE})(?: (?:just|now|has"
    r"|have|is"
    r"|feels?|seems?|felt|became|become|getting|got|really|so|such|like|for me|to me|totally"
    r"|any ?more"
    rf"|completely|are|was|a|an|all|too|simply)){{1,5}} {_BAD}(?! (?:short|busy))",
    rf"(?:life|{_LIVING}) ?'s (?:just |simply |so )?{_BAD}",
    rf"(?:life|{_LIVING}) (?:is|does|seem|just|feel)(?:n'?t| not)(?: {_W}){{0,2}}? worth (?:it"
    r"|the|a)\b",
    rf"(?:{_NOT}|n'?t)(?: (?:really|even|seem|feel|be|is|look|think"
    rf"|it'?s))*(?: {_W})? worth (?:it |the (?:effort|pain|trouble) )?"
    rf"(?:of |to )?(?:{_LIFE}|{_LIVE})",
    rf"(?:nothing|no ?one|nobody|no-one|{_NOT}(?: {_W}){{0,2}} (?:anything|anyone|anybody|much"
    rf"|a lot))(?: {_W}){{0,3}}?"
    rf" (?:(?:to|worth) (?:live|{_LIVING}|stay(?:ing)?(?: {_ALIVE})?|go(?:ing)? on"
    r"|keep(?:ing)? going) for"
    rf"|(?:keep|hold)(?:s|ing)? me (?:here|{_ALIVE}|going|on this earth))",
    r"why (?:am i|i'?m|i am|do i|should i|would i|must i|i should|i|bother|even|keep|go on)"
    rf"(?: (?:even|still|bother|keep|go on|to|on|be|with|should|am|all))* (?:{_LIVE}|{_LIVING}"
    rf"|{_ALIVE}\b|existing)",
    r"what(?: am i|'s the point| is the point| would be the point| i'?m|'s the use"
    rf"|'s there)(?: {_W}){{0,2}}? "
    rf"(?:(?:to )?liv(?:e|ing) for|alive for|(?:of|in) {_LIFE})",
    r"(?:(?:can'?t|cannot|can not|can no longer|unable to|not able to|no longer able to"
    r"|too tired to|"
    rf"(?:do ?n'?t|not)(?: {_W}){{0,2}} (?:i can|how to|how i can|how much longer i can))"
    rf"(?: (?:just|really|simply|possibly))? (?:(?:keep {_LIVING}|(?:go|carry) on {_LIVING}|live"
    rf"|go on|carry on|keep going|exist){_ENDS}"
    r"|(?:live|go on) without (?:him|her|them|my \w+)|face (?:another day|tomorrow|life)"
    r"|(?:do (?:this|it|life)|take (?:it|this|life)|bear (?:it|this)|keep this up|cope"
    rf"|go on like this){_LONGER}))",
    r"\bi (?:really |so )?(?:should ?n'?t|should not|do ?n'?t deserve to"
    r"|do not deserve to) (?:be alive|exist|live\b|have been born|have survived)",
    r"\bi (?:should|deserve to) (?:be dead|have died|not be alive)|\bi deserve (?:to die|death)",
    r"wish(?:ed|ing)? (?:\w+ )?i(?:'d)?(?: was| were| had| would| could| did"
    r"|wasnt)?(?: been)?(?:n'?t| not| never)"
    rf"(?: (?:ever|been|be|had))* (?:{_ALIVE}|born|exist\w*|here{_ENDS}|around{_ENDS}|wok\w+|wake)",
    r"(?:wish\w*|hop(?:e|ing)|pray\w*|want|rather|fine|relie\w+|good|okay|ok|nice|great|mind"
    r"|better|glad)"
    rf"(?: (?!she|he|they|it\b|you){_W}){{0,5}} i (?:just |simply |could |would )?(?:do ?n'?t"
    r"|do not|never|wo ?n'?t|would ?n'?t|did ?n'?t"
    r"|had ?n'?t|did not|not)(?: (?:ever|even|have to))? (?:wake(?: up)?"
    rf"|woke(?:n)?(?: up)?){_ENDS}",
    rf"(?:sleep|asleep|bed|tonight|off|eyes)(?: {_W}){{0,3}} (?:and|without|,)? ?(?:just )?(?:not"
    r"|never|no longer)(?: ever| have to)? (?:wak(?:e|ing)|open)"
    rf"(?: up| them)?{_ENDS}",
    r"(?:better off|best off) (?:dead|not (?:here|alive|existing|living|being)|with me (?:gone"
    r"|dead))",
    r"(?:world|everyone|everybody|family|they|people|kids|children|wife|husband|mum|mom|mother"
    r"|parents|friends|things|you all)"
    rf"(?: {_W}){{0,4}} (?:better|easier|happier|lighter|relieved|glad|calmer"
    rf"|fine)(?: {_W}){{0,4}} "
    r"(?:without me|if i (?:was|were|wasn'?t|weren'?t|had never|died|die|disappeared|vanished|left)"
    r"|(?:once|when|with) (?:i'?m|i am|me) (?:gone|dead))",
    r"\bif i (?:was|were) (?:dead|gone(?= *(?:$|[.,;!?])))|\bif i (?:was|were) ?n'?t (?:around"
    r"|alive)\b|\bhappier if i\b",
    r"(?:can'?t|cannot|can not|don'?t|do not|no)(?: \w+){0,3} way out(?= *(?:$|[.,;!?])"
    r"| (?:for me|but|except|any ?more|other than|apart))",
    r"better off without me|everyone(?:'s| is) better without me",
    rf"(?:no ?one|no-one|nobody|not a soul|who)(?: {_W}){{0,2}} (?:miss me|(?:miss|notice|care"
    rf"|cry|mind|mourn|bother)\w*(?: {_W}){{0,2}}"
    r" (?:if|when|that|once) i (?:die|died|was gone|were gone|disappear\w*|vanish\w*"
    r"|was ?n'?t (?:here|around|alive)|was dead|am gone))",
)
"""What is denied in itself: nothing before it takes it back."""
_DIE = (
    r"(?:(?:die|dye(?= *(?:$|[.,!?])))\b(?! (?:of|from) (?:\w+ )?(?:embarrass|laugh|boredom"
    r"|curios|hunger|thirst|heat)\w*)|be dead\b|be in (?:my|the) grave"
    rf"|kill {_ME}|k[iy]l+ {_ME}|end (?:it{_ENDS}|it (?:all|tonight|now|today|here)|all (?:this"
    r"|of (?:it|this))|my (?:own )?(?:life|days|suffering|misery|existence)"
    rf"|things{_ENDS}|everything{_ENDS}|this life|{_ME})|put an end to (?:it|my|everything|{_ME})"
    rf"|take my (?:own )?life|stop (?:{_LIVING}|existing|breathing|being (?:here|alive))"
    r"|cease(?: to exist| existing| being)"
    rf"|not (?:be|exist|live|wake)(?: (?:here|{_ALIVE}|up|around))?{_ENDS}|never (?:wake"
    r"|have been born|been born|be born)"
    r"|(?:disappear|vanish|fade away|be gone)(?= *(?:$|[.,;!?\n])| (?:for ?ever|for good"
    r"|completely|from|off|and|so|without|any|altogether|into))"
    r"(?! for (?:the|a) )|sleep (?:for ?ever|for good)|(?:go|be) to heaven|leave this (?:world"
    r"|life|earth|planet)"
    r"|(?:harm|hurt|cut|hang|shoot|drown|poison|stab|strangle|suffocate|starve|burn|gas|murder"
    rf"|off|slash|punish|unalive|finish off) {_ME}"
    rf"|(?:do away with|get rid of|dispose of|do something (?:\w+ )?to) {_ME}|(?:jump|leap"
    rf"|throw {_ME}|fling {_ME}) (?:off|from|out of|in front|under|into|to my)"
    r"|(?:step|walk|drive|crash|run|swerve)(?: \w+){0,3} (?:in front of|under"
    r"|into)(?: \w+){0,2} (?:train|bus|lorry|truck|traffic|tree|wall|river|sea)"
    r"|(?:slit|slash|cut|open) my (?:\w+ )?(?:wrists?|throat|veins?|arteries|arms?)|overdose"
    r"|join (?:him|her|them) in (?:heaven|death|the grave)"
    r"|swallow (?:all|every)(?: \w+){0,2} (?:pills?|tablets?|meds))"
)
_DYING = (
    rf"(?:dying|dieing|dyin|death|being dead|not being (?:here|{_ALIVE}|around)|not (?:living"
    r"|existing|waking)|never waking"
    rf"|ending (?:it|my (?:own )?(?:life|days|suffering)|things|everything|all|{_ME})"
    r"|taking my (?:own )?life|(?:killing|harming|hurting|cutting|hanging"
    r"|shooting|drowning|poisoning|stabbing|starving|burning|gassing|offing|finishing off"
    rf"|doing away with|getting rid of) {_ME}"
    r"|disappearing for ?(?:ever|good)|vanishing|jumping (?:off|from|out|in front|under|into"
    rf"|to my)|jumping{_ENDS}|leaving this (?:world|life|earth)"
    r"|ceasing to (?:exist|be)|slitting|slashing my|overdosing|stepping in front|driving (?:off"
    r"|into a)"
    r"|walking into (?:the sea|traffic|the river)|being (?:gone|buried))"
)
_WANT = (
    r"(?:wan(?:t|ts|ted|ting|na|a)|wnat|wnt|wish(?:ed|ing)?|hop(?:e|ed|ing)|pray(?:ed|ing)?"
    r"|long(?:ed|ing)?|ready"
    r"|prepared|plan(?:ned|ning|s)?|intend(?:ed|ing)?|intention|decid(?:e|ed|ing)|determined|love"
    r"|prefer|rather|deserve"
    r"|(?:would|i'd|id|feel|feels|felt) like|tempted|need(?:ed)?|ought|urges?|crav\w+|waiting"
    r"|yearn\w*|beg(?:ging)?|desire"
    r"|easier|easiest|better|simpler|nicer|kinder|best|time|let me|help me|let myself|make myself"
    r"|going|gonna|gona|about|will|i'll|ill|might|could"
    r"|i should|try|tried|trying|how|ways?|best way|voices? (?:tell|say)\w*(?: me)?|tell(?:s"
    r"|ing)? me|where|chance|wouldn'?t mind if i|mind if i)"
)
_FILL = (
    r"(?: (?:to|2|for me|that|i|i'd|i could|i would|would|could|might|may|can|just|so|badly|much"
    r"|really|simply|all|more|than|anything|well|as|of"
    r"|be allowed|only|now|tonight|today|tomorrow|soon|completely|go|went|be able|it was|it's|is"
    r"|it|and|actually|honestly|finally|sometimes"
    r"|often|always|quickly|quietly|peacefully|somehow|die and)){0,5}?"
)
_THINK = (
    r"(?:think(?:ing)?|thought|thoughts|dream\w*|fantas\w+|fixat\w+|obsess\w*|consider\w*"
    r"|contemplat\w*|imagin\w*|plan(?:s|ned|ning)?|ideas?|urges?"
    r"|looking forward|resort\w*|tempted|attempt\w*|intent\w*|means|methods?|ways?|research\w*"
    r"|google\w*|wouldn'?t mind|not mind|do ?n'?t mind|welcome|open"
    r"|seriously|talk\w*|feel(?:ing)? like|felt like|crav\w+|picture|picturing|craze"
    r"|visuali[sz]\w+|reading|read|look(?:ed|ing)? (?:up|into)|wonder\w*|pray\w*|wish\w*|long\w*"
    r"|hop(?:e|ed|ing)|wait\w*|yearn\w*|seek\w*|ready|beg\w*|try|tried|trying|scared i(?:'ll"
    r"| will)? end up|end(?:ed)? up)"
)
_THINK_FILL = (
    r"(?: (?:a|lot|often|constantly|all|the|time|again|only|just|more|and|always|about|of|on|to"
    r"|how|with|for|up|into|from|towards?|in|that|my|own"
    r"|it'?s like|what|would|be|like|by|really|even|it|seriously|it'?d|every|day|night|maybe"
    r"|secretly)){0,6}?"
)
WANTED = (
    r"(?<!going to )\b(?:go(?:ing|nna) to |gonna )(?:die\b|be dead) (?:tonight|today|tomorrow"
    r"|on purpose)",
    r"(?:(?<!for )\b(?!going|gonna|gona|about|will|i'll|ill|might|could|try|tried"
    rf"|where){_WANT}{_FILL} {_DIE})",
    r"(?:(?:going|gonna|gona|about|will|i'll|i will|ill|might|could|try|tried|trying)(?: (?:to"
    rf"|just|go|and|simply|well|as|be)){{0,3}} (?!die\b|be dead|be gone){_DIE})",
    r"(?:take|taking|end(?:ing)?) my (?:own )?life\b(?![-'])(?! (?:saving|story|insur|long))"
    r"|put(?:ting)? an end to my life|end(?:ing)? (?:it all|everything|all of it)\b"
    r"|end(?:ing)? my suffering"
    r"|(?:just|better) (?:be )?dead(?= *(?:$|[.,;!?]))|stop existing|leave this (?:world|life)"
    r"|disappear for ?ever|wish my life|dying every day"
    rf"|never wak(?:e|ing) up{_ENDS}|not wake up again|overdose on purpose|(?:jump"
    r"|leap)(?:ing)? (?:off|from) (?:a|the) (?:\w+ )?(?:bridge|roof|building|cliff|balcony)"
    r"|(?:jump|step)(?:ing)? in front(?: of (?:a|the|that) (?:train|bus|lorry|truck"
    r"|car))?(?= *(?:$|[.,;!?]))|cut my wrists|(?:out|way) (?:except|but) dying",
    r"death wish|\b(?:suic(?!a)|sucid|siucid|sucic|suiside|suisid)\w*|\bunaliv\w+"
    r"|(?<!\d)(?<!\d )\bkms\b|self[- ]?(?:harm|injur)\w*",
    r"(?<!going )(?<!gonna )(?<!about )(?<!likely )(?<!supposed )(?<!afraid )(?<!scared )(?"
    r"<!frightened )(?<!left )(?<!terrified )(?<!had )(?<!have )(?<!has )(?<!too young )to (?"
    r":just )?(?:die(?! (?:of"
    rf"|from|out|for)\b)|be dead|be gone(?= *(?:$|[.,;!?]))|kill {_ME})(?![a-z])",
    r"should i (?:just |not )*(?:die|end it|kill myself)|(?:how (?:many|much)|what dose|which"
    r"|what|enough)(?: \w+){0,5} (?:(?:would |will |to |could |can |it takes? )*kill me|(?:lethal"
    r"|fatal|deadly) (?:for|to) me|to (?:overdose|kill myself|die))",
    r"i (?:just |finally |only |simply )?(?:ended|end|took) (?:it all|things(?! early)|my life"
    r"|everything|myself)|with my life (?:over|ended)",
    r"i(?:'ve| have|'m| am| had)?(?: \w+)? (?:been |started |keep )?(?:cut|cutting|burn|burning"
    r"|scratch\w*) (?:again(?= *(?:$|[.,;!?]|but|and (?!again)|because|since|last|every))"
    r"|my (?:arms|legs|thighs|wrists?|forearms?"
    r"|stomach)\b)",
    r"might as well (?:just )?(?:be dead|die|not (?:be|exist))",
    rf"(?<!fear of )(?<!afraid of )(?<!scared of )\b{_THINK}{_THINK_FILL} {_DYING}",
    r"wish(?:ed|ing)? (?:\w+ )?(?:i|they|he|she|it|someone|somebody|god|the \w+)(?:'d| wa[sz]"
    r"| wuz| were"
    r"| had| would| could)? ?(?:just |already |simply )?"
    r"(?:dead|died|die\b|gone(?= *(?:$|[.,;!?]))|killed me|kill me|killed myself|finished me"
    r"|disappear\b|vanish)",
    r"(?:please|want (?:you|someone|somebody|god|them) to|someone|somebody) (?:just )?(?:kill me"
    r"|let me die|put me out of my misery|finish me)",
    rf"(?:death|dying|being dead|not (?:being|existing|waking up))(?: {_W}){{0,2}}? (?:would be"
    rf"|sounds|seems|looks|feels|is)(?: {_W}){{0,3}}? "
    r"(?:relief|peaceful|nice|better|easier|welcome|option|way out|answer|solution|appealing"
    r"|tempting|comforting|great|preferable|blessing)",
    r"want(?:ed|ing)? out of (?:this )?(?:life|world|it all)|want(?:ed|ing)? (?:my life|this life"
    r"|life|it all|everything|all (?:of )?(?:it|this)|the suffering) "
    r"(?:to (?:end|stop|be over|finish|go black)|over\b|to be over)|wish (?:it|everything"
    r"|my life) (?:was|were|would)(?: all| just)* (?:over|end|stop|be over)",
    r"(?:kill|harm|hurt|cutt?|hang|shoot|drown|poison|stabb?|strangl|strangle"
    rf"|murder)(?:ing)? {_ME}|ending things(?! (?:early|soon|now))",
    r"(?:slit|slitting|slash|slashing) my (?:wrists?|throat)|noose|(?:gun|pistol|knife"
    r"|rope) (?:to|in|at|round|around) my (?:head|mouth|throat|temple|wrists?|neck)",
    r"(?:suicide|goodbye|farewell) (?:notes?|letters?)|said (?:all )?my goodbyes"
    r"|stockpil\w+(?: \w+){0,3} (?:pills|tablets|meds|medication)"
    r"|(?:bottle|box|lot|handful)(?: of \w+)? (?:to end|so i never wake)|(?:nooses?|pills|tablets"
    r"|rope)(?: \w+){0,3} (?:to end (?:it|my)|to die|to kill me)",
    r"wish (?:for |i could have )?death|(?:last|final) (?:day|night|message|hours?) (?:alive"
    r"|on (?:this )?earth|i'?ll ever)|i won'?t be alive|not be alive (?:much|for|tomorrow)",
)
"""What is wanted, thought of or planned; a plain no before it takes it back."""
_OF_NO = (
    r"(?:really|actually|ever|even|any|current(?:ly)?|active(?:ly)?|a|the|of|about|to|have|had"
    r"|having|been|feel(?:ing)?"
    r"|think(?:ing)?|thoughts?|plan(?:s|ning|ned)?|want(?:ed|ing)?|wish(?:es)?|intentions?|intent"
    r"|intend|going|at|all|or|nor"
    r"|suicidal|suicide|ideation|ideas?|self-?harm|urges?|desire|consider\w*|contemplat\w*|tr(?:y"
    r"|ied|ying)|say(?:ing)?|mean(?:ing)?"
    r"|express\w*|death|my|like|would|will|be|being|in|with|for|signs?|risk|history|how|hurting"
    r"|killing|myself|harming|dying"
    r"|attempt\w*|made|make|here|also|and|thing|serious(?:ly)?|passive|past|previous|recent"
    r"|feelings?|life|ending|another"
    r"|(?:think|believe|feel|say|mean|claim)(?: that)? i|voices|telling|tell|me|been)"
)
DENIED = re.compile(
    r"\b(?:(?:do|does|did|have|has|had|is|are|was|were|would|wo|ai)n'?t|not|never|no longer"
    r"|cannot|without|no"
    r"|den(?:y|ies|ied|ying)|neither|nor|against|far from|nothing like|zero|nil)"
    rf"(?: {_OF_NO},?){{0,7}} ?$"
)
"""Before a wish: it is not so. Between stand only words that belong to the wish."""
HARMLESS = re.compile(
    r"^(?:cutt?|hurt|burn|harm|stabb?)(?:ing)? (?:myself|my ?self"
    r"|meself)(?: \w+){0,4}? (?:shaving|chopping|slicing|peeling|cooking|lifting|falling"
    r"|tripping|slipping|playing|skiing|cycling|gardening|climbing|(?:by|an) accident"
    r"|accidentally|by mistake"
    r"|at (?:football|soccer|work|the gym|practice|training|judo)|opening|when i (?:fell|slipped"
    r"|tripped|dropped)|while (?!i (?:think|hope))"
    r"|in the (?:kitchen|garden)|on (?:a|an|the|some) |off (?:some|a) slack|short\b)"
    r"|^killing (?:myself|my ?self)(?: \w+)? (?:laughing|at (?:the gym|work)|with work"
    r"|trying to (?:get|lose|finish))"
)
"""Words that hurt oneself, and what follows: an accident, or a way of speaking."""
LOOSE = re.compile(
    r"\b(?:be here|be around|wake|wake up|go on|carry on|keep going|keep fighting|breathe"
    r"|being here|being around"
    r"|waking|waking up|going on|carrying on|keeping going|breathing|it all|any of (?:it|this))$"
)
"""Words that mean living where nothing follows them but `ENDS`: not in "wake up at six"."""
ENDS = re.compile(_ENDS)
LIVING = re.compile(rf"\b(?:{_LIVING}|live|life|exist|existing|existence|{_ALIVE})$")
MUNDANE = re.compile(
    r" (?:will|room|rooms|wage|wages|costs?|expenses|arrangements?|conditions|quarters|space"
    r"|things?|donor|insurance|savings|style|jacket|support|cycle|lessons?|science|sciences"
    r"|story|events?|up to)\b"
    r"|[-\w']"
    r"| (?:\w+ )?(?:in|at|near|next to|above|below|under|off|out of|opposite|upstairs|downstairs"
    r"|abroad"
    r"|on (?:my own|a|an|the|benefits|night|takeaways?|painkillers|pills|my (?:pension|savings)))\b"
    r"(?!(?: [a-z']+){0,3} (?:world|pain|agony|misery|body|hell|darkness|fear|shame|way|state"
    r"|skin|earth|planet|life|suffering|torment|despair|head)\b)"
    r"| with (?:my |his |her |their |our |the |a |an |some |two |three )?(?:\w+ )?(?:windows?\b"
    r"|heating\b|"
    r"(?:parents?|mum|mom|dad|mother|father|in-?laws?|brothers?|sisters?|ex|dogs?|cats?|family"
    r"|strangers|noise|mould|mold|boxes|people|(?:flat|room|house)-?mates?|students|builders)\b)"
)
"""After living: a place, people or things that it is about; not the grave ones."""
