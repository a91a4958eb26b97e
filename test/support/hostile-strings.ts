// Texts that some parser, terminal, shell or person behind us would act on (threats, section 8). One corpus for every
// place that shows foreign text: add what you think of here, not in a test.

/** Each short enough for any field; the name tells what it is. */
export const HOSTILE_STRINGS: Readonly<Record<string, string>> = {
  control: '\u0000\u0001\u0007\b\t\u000b\f\u001b\u007f',
  'C1 control': 'a\u0080\u0085\u008d\u009b31mred\u009c',
  'terminal colour': '\u001b[31mred\u001b[0m',
  'terminal title and clipboard': '\u001b]0;owned\u0007\u001b]52;c;cm0gLXJmIC8=\u0007',
  'bidi override': 'abc\u202egpj.exe\u202c\u2066x\u2069',
  'zero width': 'pay\u200bpal\u200d\ufeff\u2060',
  'line ends': 'one\r\nSet-Cookie: a=b\r\n\r\ntwo\nthree\u2028four\u2029five',
  'Go template': '{{ .Labels.alertname }}{{ template "x" }}',
  reference: '${env:PATH}${file:/etc/passwd}$${',
  'Slack mention': '<!channel> <https://evil.example|click>',
  Markdown: '[click](javascript:alert(1)) ![x](https://evil.example/x.png) ``` **b** | # h',
  script: '<script>alert(1)</script><xss-canary onx=1>',
  attribute: '"><img src=x onerror=alert(1)>\'><xss-canary onx=1 a="',
  'unquoted attribute': 'x onmouseover=alert(1) ` a=',
  SVG: '<svg onload=alert(1)><xss-canary/></svg>',
  'end of a comment and of a style': '--></style></title></textarea><xss-canary>',
  'JavaScript URL': 'javascript:alert(document.domain)//',
  'data URL': 'data:text/html,<script>alert(1)</script>',
  entity: '&lt;script&gt;&amp;&#60;&quot;',
  SQL: "'; DROP TABLE results; --",
  shell: '$(reboot)`reboot`; rm -rf ~ & | > < \\ \'" *?[]{}!#',
  PromQL: '"} or vector(1) # {a="',
  'label escape': 'a\\"b\\\\c\nd',
  YAML: 'x: &a !!js/function [*a]\n- ? |',
  prototype: '__proto__',
  constructor: 'constructor',
  'prototype as JSON': '{"__proto__":{"polluted":true}}',
  'path traversal': '../../../../etc/passwd%2f%2e%2e%00',
  'lone surrogates': 'a\ud800b\udc00c',
  emoji: '👩‍👩‍👧‍👦🏳️‍🌈',
  combining: `Z${'\u0301'.repeat(50)}`,
  'percent signs': '%s%n%x%%d%00%0a',
  'spreadsheet formula': '=cmd|"/c calc"!A1',
  spaces: '   ',
};

/** 64 KiB of one character. */
const LONG_STRING = 'A'.repeat(65_536);

/** All of them, the long one too. */
export const ALL_HOSTILE: readonly string[] = [...Object.values(HOSTILE_STRINGS), LONG_STRING];
