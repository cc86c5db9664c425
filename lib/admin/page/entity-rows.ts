import { signal } from '@preact/signals';
import type { RowView } from '../api/admin-responses.js';
import { HoldDialog } from './hold-dialog.js';
import { html } from './html.js';
import { open, openDialog } from './open-dialog.js';
import { RemoveDialog } from './remove-dialog.js';
import { RestoreDialog } from './restore-dialog.js';
import { RowDialog } from './row-dialog.js';
import { current, failure, isFiltered, loading, loadRows, next, query, rows, select, selected } from './state.js';
import { ago, exactly, inWords, say, show } from './texts.js';

const waiting = signal(0);

export function EntityRows() {
  const { can } = current.value!;
  const dialog = open.value;
  const many = rows.value.filter(({ key }) => selected.value.has(key));
  return html`<${Toolbar} />
    ${
      many.length > 0 &&
      html`<div class="bulk" role="group" aria-label=${say('actions')}>
        <strong>${say('selected', { count: many.length })}</strong>
        ${
          can.includes('restore') &&
          html`<button class="primary" onClick=${() => openDialog('restore', many)}>${say('restore')}</button>`
        }
        ${
          can.includes('remove') &&
          html`<button class="danger" onClick=${() => openDialog('remove', many)}>${say('remove')}</button>`
        }
        ${can.includes('hold') && html`<button onClick=${() => openDialog('hold', many)}>${say('hold')}</button>`}
        <button class="plain" onClick=${() => (selected.value = new Set())}>${say('clear')}</button>
      </div>`
    }
    ${rows.value.length > 0 ? html`<${Table} />` : !loading.value && !failure.value && html`<${Empty} />`}
    <div class="more">
      ${
        loading.value
          ? html`<span class="hint" role="status">${say('loading')}</span>`
          : next.value && html`<button onClick=${() => void loadRows(true)}>${say('more')}</button>`
      }
    </div>
    ${dialog?.what === 'row' && html`<${RowDialog} open=${dialog} />`}
    ${dialog?.what === 'restore' && html`<${RestoreDialog} open=${dialog} />`}
    ${dialog?.what === 'remove' && html`<${RemoveDialog} open=${dialog} />`}
    ${dialog?.what === 'hold' && html`<${HoldDialog} open=${dialog} />`}`;
}

function ask(change: Partial<typeof query.value>): void {
  query.value = { ...query.peek(), ...change };
  clearTimeout(waiting.peek());
  waiting.value = window.setTimeout(() => void loadRows(), 'q' in change || 'actor' in change ? 200 : 0);
}

const valueOf = (event: Event) => (event.target as HTMLInputElement).value;

function Toolbar() {
  const { searchable, sortable, actors } = current.value!;
  const { q, actor, from, to, sort } = query.value;
  return html`<form class="toolbar" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
    ${
      searchable &&
      html`<label class="search"
        >${say('search')}
        <input
          id="search"
          type="search"
          maxlength="200"
          value=${q}
          placeholder=${say('searchHint')}
          onInput=${(event: Event) => ask({ q: valueOf(event) })}
      /></label>`
    }
    ${
      actors &&
      html`<label
        >${say('byWhom')}
        <input
          type="search"
          maxlength="200"
          autocomplete="off"
          value=${actor}
          onInput=${(event: Event) => ask({ actor: valueOf(event) })}
      /></label>`
    }
    <label
      >${say('from')} <input type="date" value=${from} onChange=${(event: Event) => ask({ from: valueOf(event) })}
    /></label>
    <label
      >${say('to')} <input type="date" value=${to} onChange=${(event: Event) => ask({ to: valueOf(event) })}
    /></label>
    <label
      >${say('sort')}
      <select value=${sort} onChange=${(event: Event) => ask({ sort: valueOf(event) })}>
        <option value="-deletedAt">${say('newest')}</option>
        <option value="deletedAt">${say('oldest')}</option>
        ${sortable.map(
          (name) =>
            html`<option value=${name}>${say('sortBy', { column: inWords(name) })}</option>
              <option value=${`-${name}`}>${say('sortByDescending', { column: inWords(name) })}</option>`,
        )}
      </select></label
    >
  </form>`;
}

function Empty() {
  const [title, hint] = isFiltered.value
    ? (['nothingFound', 'nothingFoundHint'] as const)
    : (['empty', 'emptyHint'] as const);
  return html`<div class="empty">
    <h2>${say(title)}</h2>
    <p class="hint">${say(hint)}</p>
  </div>`;
}

function Table() {
  const { columns, entity, sortable } = current.value!;
  const keys = rows.value.map(({ key }) => key);
  const areAll = keys.every((key) => selected.value.has(key));
  const isAny = keys.some((key) => selected.value.has(key));
  const hasActors = rows.value.some(({ actor, reason }) => actor || reason);
  return html`<table>
    <caption>
      ${entity}
    </caption>
    <thead>
      <tr>
        <th>
          <input
            type="checkbox"
            aria-label=${say('selectAll')}
            checked=${areAll}
            indeterminate=${isAny && !areAll}
            onChange=${() => select(keys, !areAll)}
          />
        </th>
        <th scope="col">${say('row')}</th>
        ${columns.map((name) => html`<${Heading} name=${name} text=${inWords(name)} sorts=${sortable.includes(name)} />`)}
        <${Heading} name="deletedAt" text=${say('deleted')} sorts=${true} />
        ${hasActors && html`<th scope="col">${say('by')}</th>`}
        <th scope="col">${say('purged')}</th>
        <th scope="col">${say('alongside')}</th>
        <th><span class="unseen">${say('actions')}</span></th>
      </tr>
    </thead>
    <tbody>
      ${rows.value.map((row) => html`<${Row} key=${row.key} row=${row} hasActors=${hasActors} />`)}
    </tbody>
  </table>`;
}

function Heading({ name, text, sorts }: { name: string; text: string; sorts: boolean }) {
  const { sort } = query.value;
  const direction = sort === name ? 'ascending' : sort === `-${name}` ? 'descending' : undefined;
  const turn = () => ask({ sort: direction === 'descending' ? name : `-${name}` });
  return html`<th scope="col" aria-sort=${direction}>
    ${
      sorts
        ? html`<button class="sort" onClick=${turn}>
            ${text}<span aria-hidden="true">${direction === 'ascending' ? ' ↑' : direction ? ' ↓' : ''}</span>
          </button>`
        : text
    }
  </th>`;
}

function Row({ row, hasActors }: { row: RowView; hasActors: boolean }) {
  const { columns, can } = current.value!;
  const isSelected = selected.value.has(row.key);
  return html`<tr class=${isSelected ? 'selected' : ''}>
    <td class="check">
      <input
        type="checkbox"
        aria-label=${say('selectRow', { label: row.label })}
        checked=${isSelected}
        onChange=${() => select([row.key], !isSelected)}
      />
    </td>
    <th scope="row">
      ${
        can.includes('view')
          ? html`<button class="link" onClick=${() => openDialog('row', [row])}>${row.label}</button>`
          : row.label
      }
      ${row.held && html` <span class="badge">${say('held')}</span>`}
    </th>
    ${columns.map((name) => html`<td data-label=${inWords(name)}>${show(row.columns[name])}</td>`)}
    <td data-label=${say('deleted')}>
      <time datetime=${row.deletedAt} title=${exactly(row.deletedAt)}>${ago(row.deletedAt)}</time>
    </td>
    ${
      hasActors &&
      html`<td data-label=${say('by')}>
        <div>${show(row.actor)}${row.reason && html`<small class="hint">${row.reason}</small>`}</div>
      </td>`
    }
    <td data-label=${say('purged')}>${purgeTime(row)}</td>
    <td data-label=${say('alongside')}>${alongside(row)}</td>
    <td class="actions">
      ${
        can.includes('restore') &&
        html`<button onClick=${() => openDialog('restore', [row])} aria-label=${`${say('restore')}: ${row.label}`}>
          ${say('restore')}
        </button>`
      }
    </td>
  </tr>`;
}

function purgeTime({ purgeAt }: RowView) {
  if (purgeAt === null) {
    return html`<span class="hint">${say('never')}</span>`;
  }
  const days = Math.ceil((Date.parse(purgeAt) - Date.now()) / 86_400_000);
  return days <= 0
    ? html`<span class="badge warning" title=${exactly(purgeAt)}>${say('dueNow')}</span>`
    : html`<time datetime=${purgeAt} title=${exactly(purgeAt)}>${say('inDays', { count: days })}</time>`;
}

function alongside({ unitSize }: RowView) {
  if (unitSize === null) {
    return say('many');
  }
  return unitSize > 1 ? say('others', { count: unitSize - 1 }) : html`<span class="hint">${say('alone')}</span>`;
}
