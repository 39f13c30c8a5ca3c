// A flow's picture begins in its middle: there its first step stands.

const box = document.querySelector(".flow-picture");
const svg = box?.querySelector("svg");
if (svg) box.scrollLeft = svg.getBoundingClientRect().left - box.getBoundingClientRect().left - svg.viewBox.baseVal.x - box.clientWidth / 2;
