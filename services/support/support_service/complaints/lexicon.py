"""The words by which a complaint's text is read: English, German, Dutch, Portuguese.

Each list is of words and phrases of up to three words, with the weight that each of them has. A `*`
at the end of a single word stands for any ending. Upper case, accents and punctuation do not matter.
"""

from perennial_events.catalogue.complaints import Category

Words = dict[int, tuple[str, ...]]
"""Weight to lists of words, one list a language."""

CATEGORY_WORDS: dict[Category, Words] = {
    "delivery": {
        3: (
            "never arrived, not arrived, not delivered, never received, not received",
            "nicht angekommen, nie angekommen, nicht geliefert, nicht erhalten",
            "niet aangekomen, nooit aangekomen, niet geleverd, niet ontvangen",
            "não chegou, nunca chegou, não recebi, não foi entregue",
        ),
        2: (
            "late, delay*, overdue, lost, undelivered, still waiting",
            "verspät*, zu spät, verloren, immer noch nicht, warte noch",
            "te laat, vertraagd, vertraging, kwijt, verloren, wacht nog",
            "atraso, atrasad*, atrasou, demora, demorou, perdido, extraviad*",
        ),
        1: (
            "delivery, deliver*, parcel, package, shipping, shipment, courier, tracking, missing",
            "lieferung, liefer*, paket, versand, zustell*, sendung*, fehlt",
            "bezorg*, levering, pakket, pakje, verzending, zending, ontbreekt",
            "entrega, entregue, pacote, encomenda, envio, transportadora, rastreio, falta",
        ),
    },
    "quality": {
        2: (
            "damaged, broken, broke, defect*, faulty, cracked, torn, shattered, scratch*, does not work",
            "beschädig*, kaputt, zerbrochen, defekt*, mangelhaft, zerkratzt, funktioniert nicht",
            "beschadigd, kapot, stuk, gebroken, gebrek*, bekrast, werkt niet",
            "danificad*, quebrad*, quebrou, partido, estragad*, defeito, defeituos*, não funciona",
            "wrong item, wrong product, wrong size, falscher artikel, falsches produkt, falsche größe",
            "verkeerd artikel, verkeerde maat, verkeerd product, produto errado, tamanho errado",
        ),
        1: (
            "quality, poor, cheap, leak*, stain*, mould, expired",
            "qualität, minderwertig, undicht, fleck*, schimmel*, abgelaufen",
            "kwaliteit, ondermaats, lekt, vlek*, schimmel*, verlopen",
            "qualidade, má qualidade, vazamento, mancha*, mofo, vencid*",
        ),
    },
    "service": {
        3: (
            "rude, impolite, unfriendly, disrespect*, insulted",
            "unhöflich*, unfreundlich*, frech, respektlos*, beleidig*",
            "onbeleefd*, onvriendelijk*, onbeschoft, respectloos, beledigd",
            "grosseir*, mal educado, mal educada, antipátic*, desrespeit*, rude",
        ),
        2: (
            "ignored, unhelpful, no answer, no reply, no response, nobody answers, customer service",
            "ignoriert, keine antwort, niemand antwortet, nicht hilfreich, kundendienst, kundenservice",
            "genegeerd, geen antwoord, geen reactie, niemand reageert, klantenservice",
            "ignorad*, sem resposta, ninguém responde, não respondem, atendimento",
        ),
        1: (
            "staff, agent, employee, hotline, support",
            "mitarbeiter*, servicekraft",
            "medewerker*, personeel",
            "funcionári*, atendente*, suporte",
        ),
    },
    "payment": {
        3: (
            "charged twice, double charge, double charged, charged double, paid twice, overcharged, double payment",
            "doppelt abgebucht, zweimal abgebucht, doppelt belastet, doppelt bezahlt",
            "dubbel afgeschreven, twee keer afgeschreven, dubbel betaald, dubbel in rekening",
            "cobrado duas vezes, cobrada duas vezes, cobrança duplicada, paguei duas vezes",
        ),
        2: (
            "refund*, money back, invoice, charged, unauthorised, unauthorized",
            "erstattung, rückerstattung, rückzahlung, geld zurück, rechnung, abgebucht",
            "terugbetaling, terugbetaald, geld terug, factuur, afgeschreven",
            "reembolso, estorno, dinheiro de volta, fatura, cobrança, cobrad*",
        ),
        1: (
            "payment, paid, credit card, bank, voucher, gift card",
            "zahlung, bezahlt, kreditkarte, gutschein*, konto",
            "betaling, betaald, creditcard, cadeaubon, rekening",
            "pagamento, paguei, cartão, vale presente, boleto, pix",
        ),
    },
    "website": {
        3: (
            "website, web site, webshop, log in, login, password, error message, web page",
            "webseite, internetseite, onlineshop, passwort, anmeldung, einloggen, fehlermeldung",
            "webwinkel, wachtwoord, inloggen, foutmelding, webpagina",
            "senha, palavra passe, mensagem de erro, loja virtual",
        ),
        2: (
            "app, checkout, shopping cart, crash*, browser",
            "warenkorb, stürzt ab, absturz",
            "winkelwagen, winkelmand, loopt vast",
            "aplicativo, carrinho, travou, trava",
        ),
        1: ("site, page, link, button", "seite, knopf", "pagina, knop", "página, botão"),
    },
}

SEVERITY_WORDS: Words = {
    4: (
        "injur*, burned, burnt, fire, dangerous, allerg*, hospital, lawyer, court, police, fraud, scam",
        "verletz*, verbrannt, feuer, gefährlich, krankenhaus, anwalt, gericht, polizei, betrug",
        "gewond, verbrand, in brand, gevaarlijk, ziekenhuis, advocaat, rechtbank, politie, oplichting, fraude",
        "ferid*, queimad*, incêndio, perigos*, alergi*, advogad*, tribunal, polícia, procon, golpe",
    ),
    2: (
        "charged twice, double charge, double charged, paid twice, lost, damaged, broken, never arrived, not arrived",
        "not delivered, never received, not received, unacceptable, rude, furious, third time, worst",
        "doppelt abgebucht, zweimal abgebucht, verloren, beschädig*, kaputt, nicht angekommen",
        "nicht geliefert, nicht erhalten, inakzeptabel, unverschämt*, unhöflich*, zum dritten mal",
        "dubbel afgeschreven, kwijt, beschadigd, kapot, niet aangekomen, niet geleverd",
        "niet ontvangen, onacceptabel, onbeleefd*, woedend, derde keer",
        "cobrado duas vezes, cobrança duplicada, perdido, extraviad*, danificad*, quebrad*",
        "não chegou, não recebi, inaceitável, absurdo, grosseir*, terceira vez, pior",
    ),
    1: (
        "late, delay*, refund*, again, immediately, urgent*, disappoint*, angry, weeks",
        "verspät*, zu spät, erstattung, schon wieder, sofort, dringend, enttäusch*, wochen",
        "te laat, vertraagd, terugbetaling, alweer, onmiddellijk, dringend, teleurgesteld, weken",
        "atrasad*, atraso, reembolso, de novo, imediatamente, urgente, decepcionad*, semanas",
    ),
}
