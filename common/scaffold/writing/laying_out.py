"""The source of a competition's `lay_out`: the calls that write its files."""

from common.scaffold.conclusions import Facts
from common.scaffold.metric_choice import has_label
from common.scaffold.writing.source import text, written


def columns(facts: Facts) -> tuple[str, ...]:
    """The columns that the source names in `COLUMNS`."""
    if len(facts.training.answers) > 1 or not has_label(facts.kind):
        return facts.training.answers
    return facts.kind.target.names


def pattern(facts: Facts, name: str, file: str) -> str:
    """The expression for images as a reader takes them: relative to its file's folder, or a path."""
    name = "IMAGE" if facts.training.images == facts.sample.images else name
    return f"str(folder / {name})" if "/" in file else name


def lay_out(facts: Facts) -> str:
    """The body of `lay_out`."""
    training, sample, kind = facts.training, facts.sample, facts.kind
    train, test = (pattern(facts, name, "") for name in ("TRAIN", "TEST"))
    lines = [f"    write_images(table, images, folder, train={train}, test={test})"]
    if sample.beside:
        end = ' + ".jpg"' if sample.images.endswith("}") else ""
        lines.insert(0, f'    table = table.assign({sample.beside[2]}=table["id"]{end})')
    answer, used = _answer(facts)
    if training.name or used:
        lines.append('    known, hidden = table[~table["hidden"]], table[table["hidden"]]')
    else:
        lines.append('    hidden = table[table["hidden"]]')
    if kind.one_hot:
        lines.append(
            '    cells = {name: (known["label"] == name).astype(int).astype(str) for name in COLUMNS}'
        )
    lines += _labels(facts)
    if sample.beside:
        _, key, column = sample.beside
        lines.append(written("TEST_LIST", {key: 'hidden["id"]', column: f"hidden[{text(column)}]"}))
    lines += answer
    return "\n".join(lines)


def _labels(facts: Facts) -> list[str]:
    """The lines that write the training table, and the one beside it."""
    training, kind = facts.training, facts.kind
    if not training.name:
        return []
    if training.long:
        id, answer = training.long
        told = {id: 'long_ids(known["id"], LONG, COLUMNS)',
                answer: "known[list(COLUMNS)].to_numpy().ravel()"}  # fmt: skip
        told |= {facts.group: 'known["group"].repeat(len(COLUMNS)).tolist()'} if facts.group else {}
        return [written("LABELS", told)]
    told = {training.id: 'known["id"]'}
    told |= {facts.group: 'known["group"]'} if facts.group else {}
    if kind.one_hot:
        told["**"] = "**cells"
    elif has_label(kind):
        told[training.answers[0]] = 'known["label"]'
    else:
        told["**"] = "**{name: known[name] for name in COLUMNS}"
    if not training.beside:
        return [written("LABELS", told)]
    keys = dict.fromkeys(training.shared, 'known["id"]')
    of_beside = {*training.of_beside}
    moved = {
        k: v for k, v in told.items() if (k if k != "**" else training.answers[0]) in of_beside
    }
    own = {k: v for k, v in told.items() if k not in moved}
    return [written("LABELS", own | keys), written("BESIDE", keys | moved)]


def _answer(facts: Facts) -> tuple[list[str], bool]:
    """The lines that write the sample submission; and do they look at known labels?"""
    sample, form = facts.sample, facts.form
    cell = f"[{text(sample.rows[sample.answers[0]].iloc[0])}] * len(hidden)"
    told = {sample.id: 'hidden["id"]'}
    if sample.parts:
        ids = 'long_ids(hidden["id"], LONG, COLUMNS)'
        cell = f"{cell} * len(COLUMNS)"
        return [written("SAMPLE", {sample.id: ids, sample.answers[0]: cell})], False
    if len(sample.answers) > 1 and columns(facts):
        return [written("SAMPLE", told | {"**": f"**dict.fromkeys(COLUMNS, {cell})"})], False
    if len(sample.answers) > 1:
        return [
            '    classes = sorted(known["label"].unique())',
            written("SAMPLE", told | {"**": f"**dict.fromkeys(classes, {cell})"}),
        ], True
    if form.numeric or form.kind == "grade":
        return [written("SAMPLE", told | {sample.answers[0]: cell})], False
    some = 'known["label"].iloc[0]'
    if form.kind == "ranked":
        unknown = text(getattr(facts.kind.target, "unknown", ""))
        others = 'sorted(set(known["label"]))'
        if len(unknown) > 2:
            others = f'[{unknown}, *sorted({{*known["label"]}} - {{{unknown}}})]'
        some = f'" ".join({others}[:{form.most}])'
    lines = [f"    some = {some}"]
    return [*lines, written("SAMPLE", told | {sample.answers[0]: "[some] * len(hidden)"})], True
