"""Common words of the languages that are written in Latin letters, which tell them apart.

Function words, greetings, months, days of the week, and what often stands beside figures. A word
that several languages have counts less for each of them.
"""

COMMON_WORDS = {
    "en": """the a an of and to in is are was were be been at by for from with on it its this
        that these those you he she we they i my your his her our their them him me us not
        have has had will would can could should may might must about over under than then
        there here what when where who which why how please call see do does did done or but
        if so as up out all one no yes just only also very more most some any each every
        other another new good first last next after before into between during through
        because while until since within without per price costs cost million billion
        thousand hundred dollars dollar cents pounds pages page chapter people year years
        month months week weeks day days hour hours minute minutes second seconds time today
        tomorrow yesterday now january february march april june july august september
        october november december monday tuesday wednesday thursday friday saturday sunday
        hello hi thanks thank welcome morning evening night meeting open closed around
        approximately version room flight train station street road road's number get got go
        going went come came take make made said say says know think want need let's let
        it's don't i'm you're we're they're isn't can't won't that's there's what's
        temperature height weight total phone tel apartment floor level score won lost game
        match points inches feet miles gallons degrees percent speed wide long tall old kids
        men women students books cups pieces items order model size edition season episode
        volume bus gate track exit pin code password mr mrs dr delivery
        s am war die mon dr mr mrs tel est ex ca ha euro euros total son sale stock grad train los
        las du de place hand element fax vol part article table liter liters litre engine ford
        found results service date section form act scene war king queen pope world super
        figure appendix exercise lesson grade phase name names age total state states
        united president street avenue lane suite county olympics edition chapter verse
        et al flights boeing airport terminal lap round inning quarter half""",
    "de": """der die das den dem des und ist sind war waren wird werden wurde wurden nicht ein
        eine einen einem einer eines kein keine ich du er sie wir ihr mich mir dich dir uns
        euch ihm ihn mit auf für von zu zum zur im am um bis aus bei nach vor über unter
        zwischen durch gegen ohne seit während hat habe haben hatte kann können muss müssen
        soll sollen will wollen darf auch nur noch sich als dass wenn weil aber oder denn
        doch schon sehr mehr viel viele wie was wer wo wann warum hier dort heute morgen
        gestern jetzt immer etwa rund kostet kosten preis uhr jahr jahre jahren tag tage
        tagen woche wochen monat monate stunde stunden minuten prozent euro grad kilometer
        meter menschen personen leute seite kapitel nummer straße januar februar märz mai
        juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag
        sonntag guten hallo danke bitte ja nein tschüss willkommen neue neuen gut ersten
        erste zweite dritte letzte letzten gibt geht kommt steht liegt beträgt termin zimmer
        telefon rufen bestellung rechnung geboren gewonnen verloren z usw bzw ca mio mrd tel
        nr ab stock etage version code insgesamt gegründet öffnet geöffnet geschlossen zug
        abfahrt gleis ankunft seiten zinsen mehl milch wasser tempo ofen grundstück
        bildschirm größe gewicht höhe länge breite breit hoch lang groß schwer alt
        geschwindigkeit temperatur anteil zahl anzahl bürger einwohner gäste kinder bücher
        wohnung haus auto stadt land welt platz sieger spiel spiele endete gewann verlor
        siegte mannschaft note punkte teil band artikel absatz bundesliga jahrhundert mal
        stimmen davon ungefähr fast mindestens höchstens maximal zusammen gesamt kilo liter
        gramm millionen milliarden tausend hundert weg allee notruf fax mail schreiben
        termine öffnungszeiten fahrt flug rabatt umsatz verlust gewinn mwst lieferung größer
        kleiner weniger zweiter dritter vierte meine mein dein unser jeder jede jedes bayern
        berlin münchen hamburg wien köln könig königin papst kaiser besuchte reiste schrieb
        starb kam ging fand gab bekam machte spielte gewinnt führt steigt stieg sank fiel
        wächst lag blutdruck puls patient tabletten tablette schmerzen arzt krankenhaus
        schule klasse lehrer schüler unterricht prüfung firma mitarbeiter kunde kunden
        vertrag konto bank miete nebenkosten strom gas verbrauch leistung motor hubraum
        baujahr gebraucht neu preise angebot sonderangebot gültig bestellen kaufen verkauft
        fläche raum räume küche garten balkon heißt hieß wegen trotz dank laut gegenüber
        neben hinter minute halb viertel kurz weltkrieg geburtstag person frühling sommer
        herbst winter september""",
    "fr": """le la les l et est sont était un une des du de au aux à pour dans il elle nous vous
        ils elles je j' tu on sur sous avec sans que qui ne pas ce cet cette ces se sa son
        ses mon ma mes leur leurs en par plus moins très bien mais ou où donc car si comme
        quand depuis pendant avant après entre vers chez coûte coûtent prix heure heures an
        ans année années jour jours mois semaine semaines minute minutes personnes été êtes
        suis sommes a ont avons avez fait faire peut doit va vais allez aujourd hui demain
        hier maintenant toujours environ euros degrés cent page numéro rue mètres kilomètres
        janvier février mars avril mai juin juillet août septembre octobre novembre décembre
        lundi mardi mercredi jeudi vendredi samedi dimanche bonjour bonsoir salut merci oui
        non bienvenue rendez-vous rendez nouveau nouvelle premier première deuxième siècle
        qu c d s n j m tél mme dr ex y étage train pages version chambre départ appelez
        téléphone total billet ouvert fermé tous toutes tout chaque encore ici habitants
        quai vaut tasse terrain table budget hausse baisse mémoire farine lait eau four fois
        place homme femme enfants livres république roi reine symphonie match gagné perdu
        équipe points note poids taille hauteur longueur largeur vitesse température
        chapitre article saison épisode vol porte sortie arrivée ligne bus métro gare ville
        pays monde français française paris lyon marseille population kilos litres grammes
        millions milliards mille près presque ensemble faites écrivez gens voix part partie
        quart moitié dernière chien chiens chat chats café thé film dure minuit midi matin
        soir nuit après-midi anniversaire né née mort france réduction guerre mondiale
        trimestre semestre pression tension pouls médecin hôpital élèves élève professeur
        examen entreprise employés client clients contrat compte banque loyer électricité
        gaz puissance moteur neuf promotion offre valable commander acheter vendu surface
        pièces cuisine jardin balcon malgré grâce selon devant derrière demi président
        ministre gouvernement loi croissance chômage taux chiffre chiffres empereur pape
        visité voyage écrit fondé fondée créé créée million printemps automne hiver d'euros
        d'habitants quatre cinq deux trois""",
    "es": """el la los las lo y e es son era fue un una unos unas de del al a en por para con sin
        que se su sus mi tu no hay está están ha han he hemos tiene tienen tengo muy más
        menos pero o si como cuando donde desde hasta entre sobre durante antes después este
        esta estos estas ese esa yo tú él ella nosotros ustedes usted le les nos me te
        cuesta cuestan precio hora horas año años día días mes meses semana semanas minutos
        personas hoy mañana ayer ahora siempre aproximadamente euros pesos dólares grados
        ciento página número calle metros kilómetros enero febrero marzo abril mayo junio
        julio agosto septiembre octubre noviembre diciembre lunes martes miércoles jueves
        viernes sábado domingo hola gracias buenos buenas tardes noches adiós sí bienvenido
        nuevo nueva primer primera segundo siglo sr sra dr tel llame llámame teléfono piso
        tren sale llega ganó nació reunión cita total abierto cerrado todos cada aquí vive
        mide pesa población capítulo habitación línea metro vale sacó versión éramos casas
        casa libro libros silla gatos perros alumnos españoles subida bajada parcela harina
        leche memoria horno lista vez premio planta puesto aniversario votos partes escriba
        españa perdió puntos equipo partido copa rey reina temporada episodio vuelo puerta
        salida llegada autobús estación ciudad país mundo habitantes kilos litros gramos
        millones mil casi junto peso altura longitud anchura velocidad temperatura distancia
        medio cuarto mitad parte perro café película dura medianoche mediodía tarde noche
        cumpleaños murió madrid barcelona méxico números compré frutas manzanas mujeres
        hombres niños niñas década descuento rebaja rebajas oferta hace presión pulso médico
        hospital alumno profesor examen empresa empleados cliente clientes contrato cuenta
        banco alquiler luz gas potencia motor válido pedir comprar vendido superficie
        habitaciones cocina jardín balcón según delante detrás gobierno ley presupuesto
        crecimiento paro tasa cifra cifras emperador papa visitó viaje escribió fundada
        fundado creado primavera verano otoño invierno corre carrera paciente pastilla veces
        aumento inflación pasó factura vence""",
    "it": """il lo la gli le i l un uno una di del dello della dei degli delle dell a al allo
        alla ai alle all da dal dalla dai dalle in nel nella nei nelle nell su sul sulla per
        con tra fra e è ed sono era erano che chi non si ci vi se ma o come quando dove
        anche più meno molto questo questa questi queste quello quella ha hanno ho abbiamo
        hai io tu lui lei noi voi loro mio mia suo sua costa costano prezzo ora ore anno
        anni giorno giorni mese mesi settimana settimane minuti persone oggi domani ieri
        adesso sempre circa euro gradi cento pagina numero via metri chilometri gennaio
        febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre
        dicembre lunedì martedì mercoledì giovedì venerdì sabato domenica ciao grazie
        buongiorno buonasera buona buon notte salve sì benvenuto nuovo nuova primo prima
        secondo terzo terza secolo sig sigra dott tel telefono piano treno parte arriva
        vinto nato nata riunione appuntamento totale aperto chiuso tutti ogni qui alto pesa
        popolazione capitolo volta volte chiamate chiama camera binario versione eravamo c'è
        libro libri sedia gatti cani ragazzi abitanti italiani spettatori vale preso aumento
        strada terreno farina latte memoria forno posto edizione anniversario papa luigi
        vittorio guerra mondiale voti torta chiami scriva italia perso punti squadra partita
        coppa re regina stagione episodio volo porta uscita arrivo autobus stazione città
        paese mondo chili litri grammi milioni mila quasi insieme peso altezza lunghezza
        larghezza velocità temperatura distanza mezzo quarto metà cane caffè film dura
        mezzanotte mezzogiorno mattina pomeriggio sera compleanno morto roma milano napoli
        frutta mele dopo eccetera donne uomini bambini decennio sconto sconti offerta fa
        fino greco pressione polso medico ospedale alunno professore esame azienda
        dipendenti cliente clienti contratto conto banca affitto luce gas potenza motore
        valido ordinare comprare venduto superficie stanze cucina giardino balcone davanti
        dietro governo legge bilancio crescita disoccupazione tasso cifra cifre imperatore
        visitò viaggio scrisse morì fondata fondato creato primavera estate autunno inverno
        corre gara paziente compressa inflazione scesa fattura scade alta alti semestre
        trimestre""",
}
LETTERS = {  # that one of these languages has and the others lack
    "de": "äöüß",
    "fr": "çêëîïôœûâ",
    "es": "ñ¿¡áíóú",
    "it": "ìòù",
}
ENDINGS = {  # of words of six letters and more
    "en": ("ing", "tion", "ness", "ould", "ight", "ally"),
    "de": ("ung", "ungen", "keit", "lich", "schaft", "isch", "ische", "straße"),
    "fr": ("eux", "euse", "aire", "ement", "aient", "ières"),
    "es": ("ción", "ciones", "dades", "mente", "iendo", "ando", "ados"),
    "it": ("zione", "zioni", "mente", "ando", "endo", "ato", "ella", "etti"),
}
