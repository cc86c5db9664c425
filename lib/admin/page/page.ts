import { computed, effect } from '@preact/signals';
import { render } from 'preact';
import { key, keep, needsKey } from './api.js';
import { root } from './config.js';
import { EntityRows } from './entity-rows.js';
import { focusTab } from './dialog.js';
import { html } from './html.js';
import { PurgeView } from './purge-view.js';
import {
  attempt,
  current,
  entities,
  failure,
  loadEntities,
  loadRows,
  mayPurge,
  PURGE,
  query,
  refused,
  reload,
  rows,
  selected,
  signOut,
  tab,
  toast,
  UNFILTERED,
} from './state.js';
import { number, say } from './texts.js';

function SignIn() {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    keep(String(new FormData(event.target as HTMLFormElement).get('key')).trim());
    void loadEntities();
  };
  return html`<main class="sign-in">
    <form onSubmit=${submit}>
      <h1>${say('title')}</h1>
      <label for="key">${say('key')}</label>
      <input id="key" name="key" type="password" autocomplete="off" required autofocus aria-describedby="key-hint" />
      <p id="key-hint" class="hint">${say('keyHint')}</p>
      ${refused.value && html`<p class="failure" role="alert">${say('refused')}</p>`}
      ${failure.value && html`<p class="failure" role="alert">${failure.value}</p>`}
      <button class="primary">${say('signIn')}</button>
    </form>
  </main>`;
}

function Tabs() {
  const shown = tab.value === PURGE ? PURGE : current.value?.entity;
  const link = (name: string, text: string, count?: number, due = 0) =>
    html`<a href=${`#${encodeURIComponent(name)}`} aria-current=${shown === name ? 'page' : undefined}>
      ${text} ${count !== undefined && html`<span class="count">${number(count)}</span>`}
      ${due > 0 && html`<span class="due">${number(due)} ${say('due').toLowerCase()}</span>`}
    </a>`;
  return html`<nav aria-label=${say('entities')}>
    ${entities.value!.map(({ entity, deleted, due }) => link(entity, entity, deleted, due))}
    ${mayPurge.value && link(PURGE, say('purge'))}
  </nav>`;
}

function Toast() {
  const shown = toast.value;
  const undo = async () => {
    toast.value = undefined;
    focusTab();
    await attempt(async () => shown!.undo!());
    await reload();
  };
  return html`<div class="toasts" role="status">
    ${
      shown &&
      html`<div class="toast">
        <span>${shown.text}</span>
        ${shown.undo && html`<button onClick=${undo}>${say('undo')}</button>`}
        <button class="plain" aria-label=${say('close')} onClick=${() => (toast.value = undefined)}>×</button>
      </div>`
    }
  </div>`;
}

function Page() {
  if (needsKey && !key.value) {
    return html`<${SignIn} />`;
  }
  const body = () => {
    if (!entities.value) {
      return failure.value ? null : html`<p class="hint">${say('loading')}</p>`;
    }
    if (entities.value.length === 0) {
      return html`<p class="hint">${say('noEntities')}</p>`;
    }
    return tab.value === PURGE && mayPurge.value ? html`<${PurgeView} />` : html`<${EntityRows} />`;
  };
  return html`<header>
      <h1>${say('title')}</h1>
      ${needsKey && html`<button class="plain" onClick=${signOut}>${say('signOut')}</button>`}
    </header>
    ${entities.value && html`<${Tabs} />`}
    <main>
      ${
        failure.value &&
        html`<p class="failure" role="alert">
          ${failure.value} <button onClick=${() => void reload()}>${say('retry')}</button>
        </p>`
      }
      ${body()}
    </main>
    <${Toast} />`;
}

addEventListener('hashchange', () => (tab.value = decodeURIComponent(location.hash.slice(1))));
addEventListener('keydown', (event) => {
  const isTyping = (event.target as HTMLElement).closest('input, select, textarea, dialog');
  const search = document.getElementById('search');
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && search) {
    event.preventDefault();
    search.focus();
  }
});

// Another entity has other rows, and nothing of what was searched and selected before.
const shownEntity = computed(() => current.value?.entity);
effect(() => {
  const entity = shownEntity.value;
  rows.value = [];
  selected.value = new Set();
  query.value = { ...UNFILTERED };
  if (entity) {
    void loadRows();
  }
});

if (!needsKey || key.peek()) {
  void loadEntities();
}
render(html`<${Page} />`, root);
