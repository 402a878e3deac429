// The answers: a card of buttons for each scale, and where there are two scales a chart of both with the counts so far
// (for dance the Laban effort chart), whose cells answer both at once.

const make = (kind, properties = {}, ...inside) => {
  const element = Object.assign(document.createElement(kind), properties);
  element.append(...inside);
  return element;
};

export class Panel {
  // give(values) is called with what was clicked, such as {time: 3}.
  constructor(scales, give) {
    Object.assign(this, { scales, buttons: [], cells: [] });
    document.querySelector("#scales").append(...scales.map((scale, number) => this.card(scale, number, give)));
    if (scales.length === 2) this.chart(give);
  }

  card(scale, number, give) {
    const levels = scale.levels.map((level) => {
      const button = make("button", { title: level.about, onclick: () => give({ [scale.name]: level.value }) },
        make("span", { textContent: level.name }), make("kbd", { textContent: level.key }), make("small", { textContent: level.about }));
      button.dataset.level = `${scale.name}-${level.value}`;
      this.buttons.push({ button, scale: scale.name, value: level.value });
      return button;
    });
    const card = make("section", { className: "scale" }, make("h2", { textContent: scale.title }),
      make("p", { textContent: scale.about }), make("div", { className: "levels" }, ...levels));
    card.style.setProperty("--tint", `var(--scale${number})`);
    return card;
  }

  chart(give) {
    const [up, along] = this.scales.map((scale) => scale.levels.filter((level) => level.step));
    const [rows, columns] = this.scales;
    const grid = make("div", { id: "grid" });
    grid.style.setProperty("grid-template-columns", `auto repeat(${along.length}, 1fr)`);
    for (const high of [...up].reverse()) {
      grid.append(make("span", { className: "axis row", textContent: high.about.split(":")[0] }));
      for (const wide of along) {
        const values = { [rows.name]: high.value, [columns.name]: wide.value };
        const button = make("button", { onclick: () => give(values), title: `${rows.name} ${high.name}, ${columns.name} ${wide.name}` });
        button.dataset.cell = `${high.value}-${wide.value}`;
        this.cells.push({ button, values });
        grid.append(button);
      }
    }
    grid.append(make("span"), ...along.map((wide) => make("span", { className: "axis", textContent: wide.about.split(":")[0] })));
    this.none = make("p", { id: "none" });
    document.querySelector("#chart").append(
      make("h2", { textContent: "Chart " }, make("small", { textContent: `${rows.name} up, ${columns.name} across; click a cell to answer both` })),
      grid, this.none);
  }

  // Shows the answers of one clip (values) and counts those of all (labels by clip).
  show(values, labels) {
    for (const { button, scale, value } of this.buttons) button.setAttribute("aria-pressed", values[scale] === value);
    const all = Object.values(labels).map((label) => label.values);
    const most = Math.max(1, ...this.cells.map((cell) => this.count(all, cell.values)));
    for (const { button, values: own } of this.cells) {
      const count = this.count(all, own);
      button.textContent = count || "";
      button.style.setProperty("background", count ? `rgba(110, 200, 160, ${0.12 + 0.5 * count / most})` : "");
      button.setAttribute("aria-pressed", this.count([values], own) === 1);
    }
    if (this.none) {
      this.none.textContent = this.scales.flatMap((scale) => scale.levels.filter((level) => !level.step).map((level) =>
        `${scale.name} ${level.name}: ${this.count(all, { [scale.name]: level.value })}`)).join(" · ");
    }
  }

  count(all, wanted) {
    return all.filter((values) => Object.entries(wanted).every(([scale, value]) => values[scale] === value)).length;
  }
}
