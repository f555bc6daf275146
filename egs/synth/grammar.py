"""A context-free grammar of short English sentences, full of homophones and confusable words.

Homophones sound the same (two, to, too; by, buy; our, hour), so only the words around them tell
which one is meant: that is the language model's work. Confusable words (fifteen, fifty; coat, goat,
boat; pen, pan, pin) differ by a phone or two: that is the acoustic model's work.
"""

import random
import re
from typing import List

from egs.synth import stories
from egs.synth.stories import Rules

START = "sentence"

# nonterminal -> alternatives, one a line; <name> is a nonterminal; a comma is a short pause
_TEXT = """
sentence =
  <direction> | <direction> | <shopping> | <shopping> | <time> | <time> | <place> | <place>
  <people> | <people> | <house> | <house> | <nature> | <nature> | <numbers> | <letters>

direction =
  turn <side> at the <building> | turn <side> after the <building> and go through the <outside>
  take the <ordinal> road on the <side> | go straight to the <building> by the <outside>
  the <building> is on the <side> side of the road | it is <number> miles from here to the <building>
  he rode his <ride> down the <adjective> road | she rode her <ride> to the <building>
  which way is it to the <building> | do you know the right way to the <building>
  brake before the <ordinal> corner, then turn <side> | walk by the <building> and then turn <side>

shopping =
  buy <number> <fruits> and <number> <fruits> | we need to buy some <food> and <number> <fruits>
  <person> will buy <number> <things> for her son | <person> bought a pair of <color> <wear>
  <person> ate <number> <fruits> and a piece of <dish> | he ate the whole <dish> and <number> <fruits> too
  would you like a piece of <dish> | i would like some <food> too
  the <food> is too <taste> for me | the <fruits> are <taste> and the <food> is <taste>
  we eat meat and <food> at <hour> | this <thing> is for sale for <number> dollars
  which <color> <wear> would you like to wear | where can i buy a new <thing>
  a bag of flour and <number> <fruits>, please | <person> ran out of <food>
  he knew where to buy the <adjective> <wear>

time =
  the <vehicle> leaves at <hour> <minute> | our <vehicle> was <minute> minutes late
  meet <whom> at <hour> <minute> by the <building> | we have an hour to wait for the <vehicle>
  wait for <number> hours and call <whom> | call <whom> on <day> at <hour> <minute>
  <person> will be here by <hour> <minute> | <person> will be here for <number> weeks
  i feel <state> this week | we feel weak on <day> <part> | see you next week, dear <person>
  it was <hour> <minute> on <day> <part> | set the clock to <hour> <minute>
  the <ordinal> <vehicle> leaves on <day> <part> at <hour> | no, the <vehicle> leaves at <hour> <minute>

place =
  put the <thing> <where> the <furniture> | the <thing> is <where> the <furniture>
  the <color> <thing> is <where> the <color> <furniture> | there is a <thing> <where> the <furniture>
  where is the <color> <thing> | their <thing> is <where> our <furniture>
  can you see the <thing> <where> the <furniture> | they left their <things> <where> the <furniture>
  he threw the <thing> through the <opening> | she threw <number> <things> at the <furniture>
  the <thing> <where> the <furniture> is made of wood | no <thing> was left <where> the <furniture>

people =
  <person> knew the right answer | i know <person> and <person> | do you know their son <person>
  our son won the <adjective> race | one of us won the <adjective> race
  <person> won <number> games in one week | no one knew where <person> was
  they would like to know which <thing> is new | <person> told us a <adjective> tale
  <person> would like peace for <number> hours | we heard that <person> would be there
  they would steal a <thing> for you | <person> sold their <color> <thing>
  dear <person>, please wait for me here | can you hear <person> in the <room>

house =
  turn <onoff> the <device> in the <room> | turn the <device> <onoff> and close the <opening>
  set the <device> in the <room> to <number> | open the <opening> and let the sun in
  the <device> in the <room> is too <state> | is the <device> in the <room> on or off
  please close the <opening> for an hour | there is a hole in the <opening>
  the <furniture> is made of steel and wood | clean the <room> and the <room> by <hour>
  wash the <color> <wear> for <number> minutes | leave the <things> in the <room>, please

nature =
  we can see the sea from our <room> | the sun is hot by the sea
  the <animal> has a <adjective> tail | <number> <animals> ran through the wood
  the wind blew all <part> by the <outside> | the sky is <color> and the sun is out
  the wind blew through the <opening> | all <animals> like the sun by the <outside>
  a <color> flower grew by the <outside> | we sail to the sea on <day>
  the <animal> ran by the <building> | a bear and a deer ran to the <outside>
  he saw a <color> <animal> in the <outside> | the male <animal> has bare feet
  the weather will be <weather> on <day> | i do not know whether it will be <weather>
  she fed the <animals> and the <animal> too | the <animal> and <number> <animals> are in the <outside>

numbers =
  <number> and <number> | <digit> <digit> <digit> <digit>
  press <digit> <digit> <digit> <digit> | room <number> is on the <ordinal> floor
  the weight is <number> pounds | it will be <number> or <number> dollars
  add <number> to <number> | <number> is more than <number>
  <person> is <number> and her son is <number> | the <thing> has a weight of <number> pounds
  take <number> from <number> | count from <number> to <number>

letters =
  please write a <mail> to <person> | <person> will write <number> <mails> to you
  write it down in the <color> book | mail the <mail> to <person> by <day>
  is there any mail for <whom> | the <mail> from <person> came on <day>
  write the right number on the <mail> | <person> wrote to us for <number> weeks
  he would write a new <mail> to her | there were <number> <mails> from <person>

side = left | right
building = bank | church | school | shop | station | hotel | house | park | library | castle
outside = park | garden | forest | field | river | hill | beach | lake
ordinal = first | second | third | next | last
ride = bike | horse | bus | boat
adjective = long | short | big | small | old | new | great | sad | bad | good | plain
number = <digit> | <digit> | <teen> | <ten> | <ten> <small>
digit = one | two | three | four | five | six | seven | eight | nine
small = one | two | three | four | five | six | seven | eight | nine
teen = ten | eleven | twelve | thirteen | fourteen | fifteen | sixteen | seventeen | eighteen | nineteen
ten = twenty | thirty | forty | fifty | sixty | seventy | eighty | ninety
hour = one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve
minute = ten | fifteen | twenty | thirty | forty | fifty | thirteen | fourteen | sixteen
fruits = apples | pears | plums | beans | eggs | nuts | lemons | peaches
food = rice | meat | bread | milk | butter | cheese | ice | soup | beef
dish = cake | bread | cheese | meat | fish
taste = hot | cold | sweet | salty | bitter
color = red | blue | green | black | white | brown | pink | yellow | gray
thing = pen | pan | pin | cup | cap | cat | bag | bat | box | book | ball | bell | ring | coat | goat
  coin | toy | card | phone
things = pens | pans | pins | cups | caps | cats | bags | bats | books | balls | bells | rings
  coats | coins | toys
wear = coat | hat | shirt | shoes | socks | gloves | jacket
vehicle = train | plane | bus | boat | ship
person = anna | peter | david | mary | john | susan | tom | kate | paul | jane | ben | nick | rose
whom = me | us | him | her | them | <person>
day = monday | tuesday | wednesday | thursday | friday | saturday | sunday
where = under | on | behind | near | by | in front of
furniture = bed | desk | table | chair | box | bench | shelf | bin
opening = door | window | gate | wall
onoff = on | off
device = light | lamp | heater | radio | fan
room = kitchen | bedroom | bathroom | office | hall | attic | cellar
part = morning | evening | night
state = hot | cold | loud | bright | weak | slow
animal = bear | deer | dog | fox | cow | bee | horse | sheep | hen | duck
animals = bears | dogs | cows | bees | hens | ducks | mice | sheep
weather = hot | cold | sunny | rainy | cloudy | fair
mail = letter | note | story | card
mails = letters | notes | stories | cards
"""

# further alternatives: names of letters, most of which rhyme, and words that differ by a sound and fit anywhere
_CONFUSABLE = """
sentence =
  <spelling> | <spelling> | <spelling> | <spelling> | <spelling> | <spelling>
  <pairs> | <pairs> | <pairs> | <pairs> | <pairs> | <pairs>

spelling =
  spell <letter> <letter> <letter> <letter> | it is spelled <letter> <letter> <letter>
  the code is <letter> <letter> <digit> <digit> | press <letter> <digit> <letter> <digit>
  seat <letter> <teen> in row <letter> | bus <letter> to gate <letter> <digit>
  <letter> as in <pet> and <letter> as in <pet> | room <letter> <number> on the <ordinal> floor
  <person> with <letter> <letter> and <person> with <letter> <letter>

pairs =
  the <pet> and the <pet> | not the <pet> but the <pet> | a <pet> or a <pet> for <person>
  put the <pet> and the <pet> <where> the <pet> | <person> has a <pet> and a <pet>
  was it a <pet> or a <pet> | the <pet> is <where> the <pet> | <number> for the <pet> and <number> for the <pet>

letter = b | c | d | e | g | p | t | v | z | m | n | f | s | x | j | k | h | o | q | u
pet = bat | pat | cat | hat | mat | rat | bad | pad | bag | back | pack | tack | bed | bet | pet | net | vet
  pen | ten | den | men | pan | ban | fan | van | pin | bin | tin | fin | pig | bit | pit | kit | pot | cot | dot
  cut | cup | cub | cap | cab | tap | tub | bug | mug | rug | rag | goat | coat | boat | note | vote
  bowl | pole | coal | goal | seat | sheet | beat | bead | beach | peach | teeth | thief | chief | sheep | ship | chip
thing = cot | cut | cub | cab | mug | rug | rag | pad | pack
person = tim | hannah | joan | jim | dan | ted | ned | ron | don | dawn | pam | sam
"""


def _parse(text: str) -> Rules:
    rules: Rules = {}
    for line in text.split("\n"):
        if " =" in line:
            name, _, line = line.partition(" =")
            rules[name] = current = []
        if line.strip():
            current += [alternative.strip() for alternative in line.split("|")]
    return rules


RULES = _parse(_TEXT)
CONFUSABLE: Rules = {
    name: RULES.get(name, []) + _parse(_CONFUSABLE).get(name, []) for name in {**RULES, **_parse(_CONFUSABLE)}}
GRAMMARS = {"plain": RULES, "confusable": CONFUSABLE, "stories": stories.rules()}
_NONTERMINAL = re.compile(r"<(\w+)>")


def words_of(sentence: str) -> str:
    """The transcript of a sentence: its words without punctuation."""
    return sentence.replace(",", "")


def vocabulary(rules: Rules = RULES) -> List[str]:
    """Every word that the grammar can say, sorted."""
    words = set()
    for alternatives in rules.values():
        for alternative in alternatives:
            words.update(words_of(_NONTERMINAL.sub(" ", alternative)).split())
    return sorted(words)


def sample(rng: random.Random, rules: Rules = RULES, start: str = START) -> str:
    """A random sentence; alternatives of a nonterminal are equally likely."""
    alternative = rng.choice(rules[start])
    return _NONTERMINAL.sub(lambda match: sample(rng, rules, match.group(1)), alternative)
