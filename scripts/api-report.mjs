// Compares what each entry of the package exports with its report in api/, and fails with the differences: npm run api
// After a change that is meant, npm run api:update writes the reports anew.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { build } from './build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = join(root, 'api');
const isUpdate = process.argv.includes('--update');
const current = mkdtempSync(join(tmpdir(), 'soft-delete-api-'));

try {
  await build();
  mkdirSync(reports, { recursive: true });
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.entries(exports).flatMap(([entry, { types }]) => (types ? [{ entry, types }] : []));
  const names = entries.map(({ entry, types }) => extract(entry === '.' ? 'index' : entry.slice(2), types));
  const left = readdirSync(reports).filter((file) => !names.includes(file));
  if (isUpdate) {
    left.forEach((file) => rmSync(join(reports, file)));
  } else if (names.map(showDifference).some(Boolean) || left.length > 0) {
    left.forEach((file) => console.error(`api/${file} is about an entry that is no more.`));
    console.error('\nWhat the package exports is not what api/ says. If that is meant: npm run api:update');
    process.exitCode = 1;
  }
} finally {
  rmSync(current, { recursive: true, force: true });
}

/** Writes the report of one entry, and returns its name. */
function extract(name, types) {
  const reportFileName = `${name}.api.md`;
  const extractorConfig = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, types),
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, skipLibCheck: true, types: ['node'] },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName,
        reportFolder: reports,
        reportTempFolder: current,
        // Types without a name for users are part of what they can rely on all the same.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // The comments are not TSDoc: they say @publicApi, and internals have been stripped.
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const { errorCount } = Extractor.invoke(extractorConfig, {
    localBuild: isUpdate,
    // A changed report is shown as a whole, and a release of TypeScript that is newer than the tool's is none of its business.
    messageCallback: (message) => {
      message.handled = message.category === 'console';
    },
  });
  if (errorCount > 0) {
    throw new Error(`${types} cannot be analysed.`);
  }
  return reportFileName;
}

function showDifference(report) {
  const expected = join(reports, report);
  const { status } = spawnSync(
    'git',
    ['--no-pager', 'diff', '--no-index', existsSync(expected) ? expected : '/dev/null', join(current, report)],
    { stdio: 'inherit' },
  );
  return status !== 0;
}
