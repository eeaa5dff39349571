// The page of an audit: asks for each item, then shows the result and saves the answers.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const kinds = data.items.map(i => i.kind);
const stored = "sightlog audit " + data.audit + " " + data.drawn_at;
let answers = data.items.map(() => null);
let now = 0;         // item; data.items.length: the result
let typed = "";      // first digit of a stretch
let shown = 0;       // picture
let playing = true;

try {
  const before = JSON.parse(localStorage.getItem(stored) || "null");
  if (Array.isArray(before) && before.length === answers.length) answers = before;
} catch (e) { /* a browser that stores nothing for files */ }

const crossingKeys = { y: "right", n: "wrong", r: "reversed", u: "unclear" };

function question(item) {
  if (item.kind === "stretch") return "How many crossed the line without a coloured box? First the number in (with the arrow), then the number out (against it).";
  const way = item.kind === "in" ? "in the direction of the arrow (in)" : "against the arrow (out)";
  return "Did the person in the box cross the line here, " + way + "?";
}

function buttons(item) {
  if (item.kind !== "stretch") return [["y", "yes"], ["n", "no: nobody crossed"], ["r", "the other direction"], ["u", "unclear"]];
  const digits = [..."0123456789"].map(d => [d, typed === "" ? d + " in" : d + " out"]);
  return [["n", "none: 0 in, 0 out"], ...digits, ["u", "unclear"]];
}

function describe(a) {
  if (!a) return "";
  return a.answer === "missed" ? `${a.in || 0} in, ${a.out || 0} out were missed` : a.answer;
}

function show() {
  const done = answers.filter(a => a).length;
  $("done").textContent = `${done} of ${answers.length} answered`;
  $("bar").value = done;
  const asking = now < data.items.length;
  $("ask").hidden = !asking;
  $("end").hidden = asking;
  if (!asking) return finish();
  const item = data.items[now];
  $("number").textContent = `Item ${now + 1}, ${item.at}`;
  $("question").textContent = question(item);
  $("answer").textContent = typed !== "" ? typed + " in, and out?" : describe(answers[now]);
  $("buttons").replaceChildren(...buttons(item).map(([key, text]) => {
    const b = document.createElement("button");
    b.innerHTML = "<kbd></kbd> ";
    b.firstChild.textContent = key;
    b.append(text);
    b.onclick = () => press(key);
    return b;
  }));
  $("strip").replaceChildren(...item.pictures.map((p, i) => {
    const img = document.createElement("img");
    img.src = p;
    img.alt = item.seconds[i] + " s";
    img.onclick = () => { playing = false; picture(i); };
    return img;
  }));
  picture(item.middle);
}

function picture(i) {
  const item = data.items[now];
  if (!item) return;
  shown = (i + item.pictures.length) % item.pictures.length;
  $("picture").src = item.pictures[shown];
  $("second").textContent = `${item.seconds[shown]} s`;
  [...$("strip").children].forEach((img, k) => img.classList.toggle("shown", k === shown));
}

function put(a) {
  answers[now] = a;
  typed = "";
  try { localStorage.setItem(stored, JSON.stringify(answers)); } catch (e) { /* see above */ }
  move(now + 1);
}

function move(to) {
  typed = "";
  playing = true;
  now = Math.max(0, Math.min(data.items.length, to));
  show();
}

function press(key) {
  const item = data.items[now];
  if (key === "Backspace") return typed !== "" ? (typed = "", show()) : move(now - 1);
  if (key === "Enter") return move(now + 1);
  if (key === "e") return move(data.items.length);
  if (!item) return;
  if (key === " ") { playing = !playing; return; }
  if (key === "ArrowLeft" || key === "ArrowRight") { playing = false; return picture(shown + (key === "ArrowLeft" ? -1 : 1)); }
  if (item.kind !== "stretch") {
    if (Object.hasOwn(crossingKeys, key)) put({ item: now + 1, answer: crossingKeys[key] });
  } else if (key === "u") put({ item: now + 1, answer: "unclear" });
  else if (key === "n") put({ item: now + 1, answer: "missed", in: 0, out: 0 });
  else if (/^[0-9]$/.test(key)) {
    if (typed === "") { typed = key; show(); } else put({ item: now + 1, answer: "missed", in: Number(typed), out: Number(key) });
  }
}

function percent(e) {
  const [value, low, high] = e.map(v => 100 * v);
  if (!isFinite(value)) return "not defined";
  if (!isFinite(high)) return `${low.toFixed(0)} % or more`;
  if (high - low < .05) return `${value.toFixed(1)} %`;
  return `${value.toFixed(0)} % ± ${Math.ceil((high - low) / 2 - 1e-7)} (${Math.floor(low)} to ${Math.ceil(high)})`;
}

function total(e) {
  if (isNaN(e[0])) return "not asked";
  return e[2] - e[1] < .0005 ? e[0].toFixed(0) : `${e[0].toFixed(0)} (${Math.floor(e[1])} to ${Math.ceil(e[2])})`;
}

function finish() {
  const open = ["in", "out", "stretch"].filter(k => data.sizes[k] > 0 && !answers.some((a, i) => a && a.answer !== "unclear" && kinds[i] === k));
  $("open").textContent = open.length ? "No result yet: answer some of each kind (" + open.join(", ") + ")." : "";
  $("table").hidden = $("save").hidden = open.length > 0;
  if (open.length) return;
  const results = ["in", "out"].map(d => [d, estimate(d, data.sizes, kinds, answers)]);
  $("rows").replaceChildren(...results.map(([d, r]) => {
    const row = document.createElement("tr");
    for (const text of [d, percent(r.accuracy), r.counted, total(r.actual), r.counted ? percent(r.precision) : "", percent(r.recall)]) row.insertCell().textContent = text;
    return row;
  }));
  const name = `audit-${data.audit}.json`;
  $("file").textContent = JSON.stringify({ audit: data.audit, drawn_at: data.drawn_at, answers: answers.filter(a => a) });
  $("command").textContent = `sightlog audit --answers ${name}`;
  $("download").onclick = () => {
    const a = document.createElement("a");
    a.href = "data:application/json," + encodeURIComponent($("file").textContent);
    a.download = name;
    a.click();
  };
}

$("title").textContent = `Audit ${data.audit}: line ${data.line} of camera ${data.camera}`;
document.title = $("title").textContent;
$("span").textContent = `${data.since} to ${data.until}: ${data.sizes.in} crossings in and ${data.sizes.out} out were counted; ` +
  (data.sizes.stretch < 0 ? "only what was counted is asked, on the pictures that were kept of it: recall is not estimated"
    : `${data.sizes.stretch} stretches of 10 seconds with somebody near the line, ${data.left_out} without`);
$("bar").max = answers.length;
document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.altKey || e.metaKey) return;
  if ([" ", "Backspace", "Enter", "ArrowLeft", "ArrowRight"].includes(e.key)) e.preventDefault();
  press(e.key);
});
setInterval(() => { if (playing && now < data.items.length) picture(shown + 1); }, 250);
const first = answers.findIndex(a => !a);
move(first < 0 ? data.items.length : first);
