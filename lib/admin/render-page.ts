import type { AdminTexts } from './admin-texts.js';
import { ENGLISH } from './admin-texts.js';
import type { PageAssets } from './page-assets.js';
import type { AdminCredentials } from './soft-delete-admin.options.js';

/**
 * The page without any data: where its files are, in what language it speaks and how it proves who is asking.
 *
 * @param base - where the page's files and its API are, from the address of the page
 * @internal
 */
export function renderPage(
  assets: PageAssets,
  base: string,
  credentials: AdminCredentials,
  locale: Partial<AdminTexts>,
): string {
  const { language, title } = { ...ENGLISH, ...locale };
  const file = (kind: 'js' | 'css' | 'svg') => escape(`${base}assets/${assets.name(kind)}`);
  return `<!doctype html>
<html lang="${escape(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escape(title)}</title>
<link rel="icon" href="${file('svg')}">
<link rel="stylesheet" href="${file('css')}">
<script type="module" src="${file('js')}"></script>
</head>
<body>
<div id="page" data-config="${escape(JSON.stringify({ credentials, locale }))}"></div>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
