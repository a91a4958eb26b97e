// The version of this program, as package.json has it; a test compares the two.

export const VERSION = '0.1.0';

/** Where people find out what visited their site: part of the User-Agent. */
export const PROJECT_URL = 'https://github.com/gatewatch/gatewatch';
