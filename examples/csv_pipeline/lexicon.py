"""Words that say much about a message: a prior for a classifier that has seen few hundred texts.

Each is the beginning of a word, as `refund`; a `-` in it stands for a space, too.
"""

from __future__ import annotations

TOPICS = {
    "billing": (
        "invoice bill charg payment paid pay fee fees price pricing card debit credit bank "
        "subscription tax vat discount coupon promo voucher money amount cost instal paypal "
        "overcharg receipt statement euro pound dollar renew deposit dunning balance currency "
        "finance accountant bookkeep"
    ),
    "delivery": (
        "deliver parcel package ship courier driver track dispatch arriv carrier customs "
        "doorstep postcode freight pallet postage van pick-up locker neighbour depot box "
        "logistic"
    ),
    "returns": (
        "return refund exchang swap send-back sent-back replacement restock drop-off label "
        "give-back bring-back"
    ),
    "account": (
        "account log login logged sign password email e-mail profile username verif code "
        "delete unsubscrib two-factor two-step locked hack register registration security "
        "access device user settings newsletter privacy"
    ),
    "product": (
        "battery size colour color fit warranty manual instruction compatib model version "
        "work material bluetooth app screen product spare filter broke quality waterproof "
        "stock charger cable clean weigh dimension contain suitable zip fabric noise loud "
        "defect pair"
    ),
    "complaint": (
        "complain rude service agent manager supervisor hung hotline phone queue ignored "
        "staff apolog unprofessional worst support called answer respon attitude employee "
        "disgrace shame hold excuse promised department ticket technician bot disappoint"
    ),
    "praise": (
        "thank great best love excellent wonderful amazing perfect friend recommend happy "
        "brilliant fantastic kind pleas compliment outstanding superb top team delight "
        "impress grateful awesome lovely praise joy"
    ),
    "other": (
        "hiring job open opening intern student office store hours visit supplier sponsor "
        "press school parking branch museum partner advertis hello hi test wrong-number "
        "survey tour factory job-vacancy journalist donat event invite club career apprentic "
        "vacanc"
    ),
}
"""The categories, and what their messages speak of."""

POLARITY = {
    "good": (
        "thank great best love excellent wonderful amazing perfect friendly recommend happy "
        "brilliant fantastic kind pleas compliment outstanding superb delight impress "
        "grateful awesome lovely joy nice glad smooth easy quick fast helpful appreciate "
        "well-done cheers clear fair generous satisf polite warm smile welcome gem pleasure "
        "like-a-dream super works-great works-well beautiful improvement merry good-luck "
        "congrat"
    ),
    "bad": (
        "terrible worst rude awful disappoint angry annoy frustrat ridiculous unacceptable "
        "useless broken broke never nobody not-one still lost missing wrong damaged smashed "
        "crushed torn late delay fail error crash cannot can't won't doesn't don't didn't "
        "isn't scam cheat lie liar lied stop shame disgrac disgust horrib poor wait hung "
        "ignor refus reject again twice three-times weeks overcharg locked hacked freez "
        "defect faulty leak stuck vanish disappear upset fed-up sick-of joke unbelievable "
        "scandal infuriat appalling nonsense mess waste no-answer no-reply no-one nothing "
        "without-asking promised sort-of even-though although"
    ),
    "asking": (
        "how what where when which who can could do does is are may would will please should ?"
    ),
}
"""How a message may be meant."""
