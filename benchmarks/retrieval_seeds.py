"""What people in the retrieval benchmark talk about, written by hand.

A line of a talk begins with who says it: ``>`` the one it is about, ``<`` the other. A word and
a colon name a line as evidence (``> new: We brought home {animal}``). Questions name the
lines that answer them; most are put in other words than the lines. ``{ago}`` is a time
such as "last Friday", ``{X}`` the name of the one it is about, ``{Y}`` of the other, and
``{month}`` the month when it was said.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    Attributes:
        slots: What differs from one to another.
        talks: The ways it is told of; lines apart by newlines.
        later: What is said of it in passing, weeks after.
        single: Questions about one event, as (names of lines, question).
        when: Questions for its time.
        every: Questions about all events of this kind; such a kind happens to one person several times.
        dated: Questions about the one of a month.
        near: Questions in much the same words as the lines, for one event or its time.
    """

    slots: dict[str, tuple[str, ...]]
    talks: tuple[str, ...]
    later: tuple[str, ...] = ()
    single: tuple[tuple[str, str], ...] = ()
    when: tuple[tuple[str, str], ...] = ()
    every: tuple[tuple[str, str], ...] = ()
    dated: tuple[tuple[str, str], ...] = ()
    near: tuple[tuple[str, str], ...] = ()


KINDS = (
    Kind(
        {"animal": ("a spaniel puppy", "a grey tabby", "a lop-eared rabbit", "a rescue greyhound", "two guinea pigs"),
         "pet": ("Biscuit", "Juno", "Pepper", "Moss", "Clementine"),
         "look": ("Brown all over with one white paw", "Mostly grey with green eyes", "Black with a crooked tail")},
        ("> new: Big news, we brought home {animal} {ago}!\n< Oh how sweet! Does it have a name yet?\n"
         "> name: The kids settled on {pet} after a long argument.\n< And what colour?\n> look: {look}.",
         "< You look tired, what happened?\n> new: I hardly slept. {animal} moved in with us {ago} and cries at night.\n"
         "< Haha, what do you call the little one?\n> name: {pet}. It was that or Napoleon.\n"
         "< Send a picture!\n> look: Will do. {look}, you will melt."),
        ("> {pet} chewed through my charger this morning.\n< Mine was the same for a year.",
         "> Took {pet} to the vet, all fine.\n< Good to hear, vets are so dear these days.",
         "< How is the little beast?\n> Asleep on my feet as we speak."),
        (("new", "Which creature joined {X}'s household?"), ("name", "What is {X}'s pet called?"),
         ("look", "What does the animal that {X} owns look like?")),
        (("new", "When did {X} adopt a pet?"),),
        near=(("new", "When did {X} bring home {animal}?"),
              ("name", "What name did the kids of {X} settle on for {animal}?"),
              ("look", "What colour is {pet}?"),
              ("new", "What animal moved in with {X}?")),
    ),
    Kind(
        {"job": ("a paediatric nurse", "a data analyst at a bank", "head baker", "a museum guide", "a train driver"),
         "old": ("the call centre", "the insurance office", "teaching maths", "the warehouse"),
         "perk": ("every second Friday off", "free lunches", "my own parking spot", "a lot of night shifts")},
        ("< So, how did the interview go?\n> new: They offered me the position! I will be {job}.\n"
         "< Congratulations!! Will you miss your old place?\n> old: Not a bit, {old} was wearing me out.\n"
         "< What is the best part?\n> perk: Honestly, {perk}.",
         "> new: I signed the contract {ago}. From next month I am {job}.\n< That is huge, well done you.\n"
         "> old: After six years at {old} I needed something else.\n> perk: And I get {perk}, imagine."),
        ("> My new boss remembered my birthday.\n< That is rare.",
         "< Are the colleagues nice?\n> Very, we went out for noodles after work.",
         "> Long week at work again.\n< Put your feet up then."),
        (("new", "What does {X} do for a living now?"), ("old", "Where was {X} employed before?"),
         ("perk", "What does {X} enjoy most about the new employer?")),
        (("new", "When did {X} get hired?"),),
        near=(("new", "What position was {X} offered?"),
              ("old", "After how many years did {X} leave {old}?"),
              ("perk", "What does {X} get in the new position besides the salary?"),
              ("new", "When does {X} start as {job}?")),
    ),
    Kind(
        {"place": ("Lisbon", "the Dolomites", "Kyoto", "the Orkney islands", "Marrakech", "Tallinn", "Naples", "Quebec"),
         "who": ("my sister", "two old school friends", "my mother", "nobody, just me", "the choir"),
         "thing": ("got lost in the old market for three hours", "ate octopus every single day",
                   "missed the last ferry and slept on a bench", "saw a wedding procession with goats")},
        ("> trip: Just back from {place}, we flew home {ago}.\n< Lucky you! Who came along?\n> who: {who}.\n"
         "< And the highlight?\n> thing: We {thing}.",
         "< Where have you been, I tried to call.\n> trip: Sorry! I spent a week in {place}.\n< Jealous. With whom?\n"
         "> who: With {who}, if you can believe it.\n> thing: Imagine, we {thing}."),
        ("> Still unpacking from the last journey, my suitcase is a mess.\n< I leave mine for a month.",
         "< I would love to travel more.\n> We should plan something together.",
         "> Found sand from {place} in my shoes today.\n< A souvenir!"),
        (("who", "Who went with {X} to {place}?"), ("thing", "What funny thing happened to {X} in {place}?")),
        (("trip", "When did {X} visit {place}?"),),
        (("trip", "Which destinations has {X} travelled to?"),),
        (("trip", "Where did {X} go on holiday {month}?"),),
        near=(("trip", "When was {X} in {place}?"),
              ("who", "Who came along when {X} was in {place}?"),
              ("thing", "What was the highlight of {X}'s week in {place}?")),
    ),
    Kind(
        {"race": ("the city half marathon", "a ten kilometre trail run", "the lake swim", "a charity cycle ride", "my first triathlon"),
         "result": ("third in my age group", "in just under two hours", "dead last but smiling", "with a cramp at the end"),
         "cause": ("a children's hospital", "the lifeboat service", "refugees in our town", "the local library")},
        ("> race: I did it! {race} {ago}, and I am still limping.\n< Amazing! How did you finish?\n> result: {result}.\n"
         "< Was it for charity again?\n> cause: Yes, I collected money for {cause}.",
         "< Why are you walking like that?\n> race: I took part in {race} {ago}.\n> result: Came in {result}, can you believe it.\n"
         "> cause: My colleagues sponsored me for {cause}."),
        ("> Went for a short jog before breakfast.\n< I was still in bed.",
         "< Do you still train every day?\n> Four times a week, my knees complain.",
         "> My running shoes have holes already.\n< Treat yourself."),
        (("result", "How well did {X} do in {race}?"), ("cause", "Who benefited from {X}'s effort in {race}?")),
        (("race", "When did {X} compete in {race}?"),),
        (("race", "What sporting events did {X} enter?"),),
        (("race", "What competition was {X} in {month}?"),),
        near=(("race", "When did {X} take part in {race}?"),
              ("result", "How did {X} finish in {race}?"),
              ("cause", "For whom did {X} collect money with {race}?")),
    ),
    Kind(
        {"book": ("a novel about a lighthouse keeper", "the biography of a chess champion", "a history of salt", "a thriller set in Oslo",
                  "poems by a Polish writer", "a fat book on mushrooms"),
         "view": ("could not put it down", "gave up after a hundred pages", "cried at the end", "laughed out loud on the bus"),
         "from": ("my aunt", "the shop on Mill Lane", "a street stall", "the lending library")},
        ("> book: I finished {book} {ago}.\n< Any good?\n> view: I {view}.\n< Where did you get it?\n> from: From {from}.",
         "< Read anything nice lately?\n> book: {book}, of all things.\n> view: Well, I {view}.\n> from: I had it from {from}."),
        ("> My reading pile is taller than me.\n< Stop buying then!",
         "< I never find time to read.\n> Ten minutes before bed helps.",
         "> Do you want to borrow something to read?\n< Yes please, nothing sad."),
        (("view", "What did {X} think of {book}?"), ("from", "How did {X} come by {book}?")),
        (("book", "When was {X} done with {book}?"),),
        (("book", "What literature has {X} got through?"),),
        (("book", "What was {X} reading {month}?"),),
        near=(("book", "When did {X} finish reading {book}?"),
              ("view", "Did {X} find {book} any good?"),
              ("from", "Where did {X} get {book}?")),
    ),
    Kind(
        {"class": ("pottery", "salsa", "Portuguese", "woodcarving", "watercolours", "the cello"),
         "teacher": ("a retired sailor", "a strict lady called Mrs Novak", "a boy half my age", "my neighbour Olu"),
         "made": ("a bowl that leaks", "my own name, badly", "three wobbly minutes of something", "a mess, mostly")},
        ("> start: I signed up for {class} {ago}.\n< You? Who teaches that?\n> teacher: {teacher}.\n"
         "< And what have you managed so far?\n> made: So far: {made}.",
         "< What is new with you?\n> start: I began taking lessons, {class}, every Thursday evening.\n< How come?\n"
         "> I wanted something without a screen.\n> teacher: It is run by {teacher}.\n> made: I have produced {made}."),
        ("> Practised for an hour, my fingers hurt.\n< No pain no gain.",
         "< Are you still going on Thursdays?\n> I missed one, but yes.",
         "> I was told I have talent today!\n< I never doubted it."),
        (("start", "What new hobby did {X} take up?"), ("teacher", "Who instructs {X}?"), ("made", "What came out of {X}'s course?")),
        (("start", "When did {X} begin the lessons?"),),
        near=(("start", "When did {X} sign up for lessons in {class}?"),
              ("teacher", "Who teaches {class} to {X}?"),
              ("made", "What has {X} managed so far in {class}?"),
              ("start", "What did {X} sign up for?")),
    ),
    Kind(
        {"part": ("wrist", "ankle", "collarbone", "little toe", "shoulder"),
         "how": ("slipped on wet leaves", "fell off a ladder", "tripped over the dog", "reached for a jar on the top shelf"),
         "rest": ("six weeks of rest", "physiotherapy twice a week", "a cast until the holidays", "no lifting for a month")},
        ("> hurt: Typing with one hand: I broke my {part} {ago}.\n< Oh no! What on earth did you do?\n> how: I {how}.\n"
         "< Poor thing. What does the doctor say?\n> rest: {rest}.",
         "< You sounded odd on the phone.\n> hurt: I was in hospital {ago}, my {part} is cracked.\n> how: So silly, I {how}.\n"
         "< Ouch.\n> rest: They prescribed {rest}."),
        ("> It only aches when it rains now.\n< You sound like my grandfather.",
         "< Is it healing?\n> Slowly, I am bored to tears.",
         "> The nurse said I am her best patient.\n< She says that to everyone."),
        (("hurt", "What injury did {X} suffer?"), ("how", "How did {X}'s accident come about?"), ("rest", "What treatment was {X} given?")),
        (("hurt", "When did {X} get injured?"),),
        near=(("hurt", "When did {X} break the {part}?"),
              ("how", "How did {X} break the {part}?"),
              ("rest", "What did the doctor say about {X}'s {part}?")),
    ),
    Kind(
        {"home": ("a flat above a bakery", "a narrow house by the canal", "a cottage without heating", "the top floor of a tower block"),
         "area": ("Ashgrove", "Portside", "Linden Hill", "Saltmarsh"),
         "flaw": ("the stairs creak", "the neighbours play drums", "no dishwasher", "pigeons on the balcony")},
        ("> move: We got the keys {ago}! It is {home}.\n< Finally! Which part of town?\n> area: {area}, near the water tower.\n"
         "< Any drawbacks?\n> flaw: Well, {flaw}.",
         "> move: Boxes everywhere, we moved {ago}. Our place is now {home}.\n< I want to see it. Is it far?\n"
         "> area: In {area}, twenty minutes by bus.\n> flaw: The only trouble: {flaw}."),
        ("> Painted the hallway yellow at the weekend.\n< Brave.",
         "< Have you met the people next door?\n> They brought cake!",
         "> I still cannot find the box with the forks.\n< Eat with your hands."),
        (("move", "What kind of dwelling does {X} live in?"), ("area", "Which neighbourhood is {X}'s address in?"),
         ("flaw", "What is annoying about {X}'s home?")),
        (("move", "When did {X} relocate?"),),
        near=(("move", "When did {X} get the keys to {home}?"),
              ("area", "Which part of town is {X}'s {home} in?"),
              ("flaw", "What are the drawbacks of {home} where {X} moved?")),
    ),
    Kind(
        {"band": ("the Copper Owls", "a brass band from Serbia", "that old jazz trio", "the Midnight Ferries", "a Bach choir"),
         "venue": ("the old cinema", "a barn outside town", "the cathedral", "the harbour stage"),
         "mate": ("my cousin Tariq", "Ingrid from work", "my dad", "a blind date")},
        ("> gig: My ears are still ringing, I heard {band} {ago}.\n< Live? Where?\n> venue: In {venue}, of all places.\n"
         "< Did you go on your own?\n> mate: No, {mate} came with me.",
         "< You did not pick up last night.\n> gig: I was at a concert, {band}!\n> venue: They played {venue}.\n"
         "> mate: I had a spare ticket, so I took {mate}."),
        ("> I have had the same tune in my head all day.\n< Hum it for me.",
         "< Do you ever listen to music while working?\n> Only without words.",
         "> Bought a record player at the flea market.\n< How retro."),
        (("venue", "Where did {X} listen to {band}?"), ("mate", "Who was {X}'s company for {band}?")),
        (("gig", "When did {X} see {band} perform?"),),
        (("gig", "Which musicians has {X} seen on stage?"),),
        (("gig", "Whose show did {X} attend {month}?"),),
        near=(("gig", "When did {X} hear {band} live?"),
              ("venue", "Where did {band} play when {X} heard them?"),
              ("mate", "Who came with {X} to the concert of {band}?")),
    ),
    Kind(
        {"dish": ("a lemon tart", "goulash for twelve", "sourdough", "my grandmother's dumplings", "a Thai green curry"),
         "for": ("the school fair", "my neighbour's seventieth", "a picnic", "the office party"),
         "fail": ("forgot the sugar", "burnt the bottom", "used salt by mistake", "doubled the chilli")},
        ("> cook: I spent all day in the kitchen {ago} making {dish}.\n< What was the occasion?\n> for: It was for {for}.\n"
         "< And? Did they like it?\n> fail: I {fail}, but nobody said a word.",
         "< Smells good, what was that about?\n> cook: I tried {dish}.\n> for: They had asked me to bring something to {for}.\n"
         "> fail: Of course I {fail}."),
        ("> Leftovers again for dinner.\n< Nothing wrong with that.",
         "< Any easy recipe for a Tuesday?\n> Eggs and rice, always.",
         "> My oven makes a strange noise.\n< Time for a new one."),
        (("for", "For which event did {X} prepare {dish}?"), ("fail", "What went wrong when {X} made {dish}?")),
        (("cook", "When did {X} make {dish}?"),),
        (("cook", "What food has {X} prepared?"),),
        (("cook", "What did {X} cook {month}?"),),
        near=(("cook", "When was {X} in the kitchen making {dish}?"),
              ("for", "What was the occasion when {X} made {dish}?"),
              ("fail", "What did {X} forget or do by mistake when making {dish}?")),
    ),
    Kind(
        {"kin": ("brother", "older sister", "best friend from college", "goddaughter"),
         "where": ("a vineyard", "the town hall", "a beach in Wales", "her parents' garden"),
         "role": ("gave a speech and cried", "played the organ", "caught the bouquet", "dropped the rings")},
        ("> wed: My {kin} got married {ago}!\n< Oh lovely. Where was the party?\n> where: At {where}.\n< Did you have a job?\n> role: I {role}.",
         "< How was your weekend?\n> wed: Wonderful. It was my {kin}'s big day.\n> where: The ceremony took place at {where}.\n> role: And I {role}."),
        ("> The photos arrived, I look terrified in all of them.\n< You always do.",
         "< I have nothing to wear for these things.\n> Borrow my blue one.",
         "> They are on their honeymoon now.\n< Lucky pair."),
        (("wed", "Which relative or friend of {X} tied the knot?"), ("where", "What was the location of the wedding {X} went to?"),
         ("role", "What part did {X} play at the celebration of the couple?")),
        (("wed", "When was the wedding in {X}'s circle?"),),
        near=(("wed", "When did {X}'s {kin} get married?"),
              ("where", "Where was the party when {X}'s {kin} got married?"),
              ("role", "What was {X}'s job when the {kin} got married?")),
    ),
    Kind(
        {"car": ("an old red van", "an electric hatchback", "a second-hand motorbike", "a cargo bicycle"),
         "price": ("for next to nothing", "with my whole bonus", "from my uncle", "at an auction"),
         "trouble": ("the battery died on day two", "the horn plays a melody", "reverse gear is missing", "it smells of fish")},
        ("> buy: Guess who drives {car} since {ago}? Me!\n< No way. How did you pay for that?\n> price: I got it {price}.\n"
         "< Any problems?\n> trouble: Only that {trouble}.",
         "> buy: I finally have wheels: {car}.\n< Since when?\n> Since {ago}.\n> price: I bought it {price}.\n> trouble: But {trouble}."),
        ("> Stuck in traffic for an hour today.\n< I take the tram.",
         "< Could you give me a lift on Sunday?\n> Sure, at nine?",
         "> The garage wants a fortune for new tyres.\n< Ask my cousin."),
        (("buy", "What vehicle does {X} own?"), ("price", "How was {X} able to afford the vehicle?"),
         ("trouble", "What is defective about {X}'s vehicle?")),
        (("buy", "When did {X} purchase a vehicle?"),),
        near=(("buy", "Since when does {X} drive {car}?"),
              ("price", "How did {X} pay for {car}?"),
              ("trouble", "What problems does {X} have with {car}?")),
    ),
    Kind(
        {"food": ("peanuts", "shellfish", "gluten", "strawberries", "cow's milk"),
         "sign": ("my lips swelled up", "I could not breathe", "I had spots for a week", "my stomach was in knots"),
         "instead": ("oat biscuits", "lentil stew", "coconut yoghurt", "rice cakes")},
        ("< Shall we eat at the new bistro?\n> allergy: Careful, I found out {ago} that I cannot have {food} any more.\n"
         "< Really? How did you notice?\n> sign: After lunch {sign}.\n> instead: I live on {instead} now.",
         "> allergy: The test came back {ago}: no more {food} for me.\n< Oh dear, for ever?\n> sign: It seems so. Last time {sign}.\n"
         "< What do you have in the mornings?\n> instead: Mostly {instead}."),
        ("> Reading every label in the supermarket takes ages.\n< There should be an app.",
         "< I will bring snacks, anything to avoid?\n> You know what!",
         "> The waiter rolled his eyes at me.\n< How rude."),
        (("allergy", "What must {X} not eat?"), ("sign", "What symptoms did {X} get?"), ("instead", "What has {X} replaced in the diet?")),
        (("allergy", "When was {X}'s intolerance discovered?"),),
        near=(("allergy", "When did {X} find out about {food}?"),
              ("sign", "How did {X} notice the problem with {food}?"),
              ("instead", "What does {X} live on without {food}?"),
              ("allergy", "What can {X} not have any more at lunch?")),
    ),
    Kind(
        {"plant": ("tomatoes and a fig tree", "forty tulips", "a row of beans", "lavender along the wall", "pumpkins"),
         "pest": ("slugs", "the neighbour's cat", "a late frost", "greenfly"),
         "trick": ("copper tape", "coffee grounds", "an old curtain", "talking to them")},
        ("> grow: I put in {plant} {ago}.\n< Already? Is it not early?\n> pest: A bit, and {pest} got half of them.\n"
         "< What do you do against that?\n> trick: {trick}, it works wonders.",
         "< Your hands are all soil!\n> grow: I planted {plant} behind the house {ago}.\n> pest: Last year {pest} ruined everything.\n"
         "> trick: This time I am using {trick}."),
        ("> It finally rained, the ground was like stone.\n< My balcony is flooded.",
         "< Is anything flowering?\n> Give it a month.",
         "> I need a new spade.\n< I have two, take one."),
        (("pest", "What damaged {X}'s garden?"), ("trick", "How does {X} protect the crop?"), ("grow", "What is {X} growing?")),
        (("grow", "When did {X} do the planting?"),),
        near=(("grow", "When did {X} plant {plant}?"),
              ("pest", "What ruined half of {X}'s {plant}?"),
              ("trick", "What does {X} do against {pest}?")),
    ),
)
