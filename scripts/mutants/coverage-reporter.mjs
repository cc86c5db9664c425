import { writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import libCoverage from 'istanbul-lib-coverage';
import libSourceMaps from 'istanbul-lib-source-maps';

/**
 * A reporter of Jest that writes what each test file has run of the library: `statements` are the first and the last line of each
 * statement of a file, `tests` the first lines of those that a test file has run, and the seconds that it took.
 */
export default class CoverageReporter {
  #statements = {};
  #tests = {};
  #root;
  #output;

  constructor({ rootDir }, { output }) {
    this.#root = rootDir;
    this.#output = output;
  }

  async onTestResult({ path }, { coverage, perfStats }) {
    const sources = libSourceMaps.createSourceMapStore();
    const map = await sources.transformCoverage(libCoverage.createCoverageMap(coverage ?? {}));
    const lines = {};
    for (const name of map.files()) {
      const { statementMap, s: counts } = map.fileCoverageFor(name).data;
      const file = relative(join(this.#root, 'lib'), name).replaceAll(sep, '/');
      this.#statements[file] ??= Object.values(statementMap).map(({ start, end }) => [start.line, end.line]);
      const run = Object.keys(statementMap).filter((id) => counts[id] > 0);
      lines[file] = [...new Set(run.map((id) => statementMap[id].start.line))];
    }
    const test = relative(this.#root, path).replaceAll(sep, '/');
    this.#tests[test] = { lines, seconds: perfStats.runtime / 1000 };
  }

  onRunComplete() {
    writeFileSync(this.#output, JSON.stringify({ statements: this.#statements, tests: this.#tests }));
  }
}
