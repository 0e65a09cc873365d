"use strict";
// Animations play when asked: without this script the link opens the animation itself.
for (const link of document.querySelectorAll("a.play")) {
    const image = link.querySelector("img");
    const still = image.src;
    const show = (playing) => {
        image.src = playing ? link.href : still;
        link.classList.toggle("playing", playing);
        link.title = playing ? "Stop the animation" : "Play the animation";
        link.setAttribute("aria-pressed", playing);
    };
    const toggle = (event) => {
        event.preventDefault();
        show(!link.classList.contains("playing"));
    };
    link.setAttribute("role", "button");
    link.addEventListener("click", toggle);
    link.addEventListener("keydown", (event) => event.key === " " && toggle(event));
    show(false);
}

// The gallery's filters: without this script it is a plain list.
const gallery = document.getElementById("gallery");
if (gallery) {
    const cards = [...gallery.querySelectorAll(".cards li")];
    const values = {
        era: cards.map((card) => card.closest("section").dataset.era),
        verdict: cards.map((card) => card.dataset.verdict),
    };
    const order = ["yes", "partial", "no", "not yet recorded", "planned"];
    const choices = {
        era: [...new Set(values.era)],
        verdict: order.filter((verdict) => values.verdict.includes(verdict)),
    };
    const chosen = { era: "all", verdict: "all" };
    const count = Object.assign(document.createElement("p"), { className: "shown" });
    count.setAttribute("role", "status");

    const fits = (name, i) => chosen[name] === "all" || values[name][i] === chosen[name];
    const update = () => {
        cards.forEach((card, i) => { card.hidden = !(fits("era", i) && fits("verdict", i)); });
        for (const section of gallery.querySelectorAll("section")) {
            section.hidden = !section.querySelector("li:not([hidden])");
        }
        const left = cards.filter((card) => !card.hidden).length;
        count.textContent = left ? `${left} of ${cards.length} experiments` : "No experiment fits both filters.";
        for (const button of document.querySelectorAll(".filters button")) {
            button.setAttribute("aria-pressed", button.value === chosen[button.name]);
        }
    };
    for (const name of ["era", "verdict"]) {
        const row = Object.assign(document.createElement("div"), { className: "filters" });
        const label = Object.assign(document.createElement("b"), { textContent: name === "era" ? "Era" : "Reproduced" });
        row.setAttribute("role", "group");
        row.setAttribute("aria-label", label.textContent);
        row.append(label);
        for (const value of ["all", ...choices[name]]) {
            const button = Object.assign(document.createElement("button"), { type: "button", name, value, textContent: value });
            button.addEventListener("click", () => { chosen[name] = value; update(); });
            row.append(button);
        }
        gallery.before(row);
    }
    gallery.before(count);
    update();
}
